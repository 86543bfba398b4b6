using System.Collections;
using System.Collections.Specialized;
using System.Management.Automation;
using CsCheck;
using IpcPs.Module.Serialization;
using IpcPs.Serialization;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Serialization;

/// <summary>Format Object in PowerShell: Receive-IpcMessage returns what Send-IpcMessage got.</summary>
public sealed class ObjectFormatTests : IDisposable
{
    private readonly ModuleSession _session = new();

    public void Dispose() => _session.Dispose();

    [Fact]
    public void Custom_objects_keep_order_names_and_values_at_any_depth()
    {
        var custom = Gen.Recursive<object?>((depth, inner) => depth >= 3 ? Values.Scalar : Gen.Frequency(
            (2, Values.Scalar),
            (2, Gen.Select(Values.Text.Where(IsName), inner).Array[0, 8].Select(Custom)),
            (1, inner.Array[0, 4].Select(static items => (object?)items))));
        custom.Sample(
            static value =>
            {
                var encoder = new ObjectEncoder(PSObjectModel.Instance);
                return Same(value, new ObjectDecoder(PSObjectModel.Instance).Decode(encoder.Encode(value))) && encoder.Warnings.Count == 0;
            },
            iter: 2000);
    }

    [Fact]
    public void Public_and_fast_access_to_custom_objects_do_the_same()
    {
        var fast = PSObjectAccess.Instance;
        Assert.StartsWith(nameof(FastPSObjectAccess), fast.GetType().Name, StringComparison.Ordinal);
        foreach (var access in new[] { fast, new PublicPSObjectAccess() })
        {
            var bag = access.CreateBag(3);
            Assert.True(access.AddNote(bag, "One", 1));
            Assert.True(access.AddNote(bag, "two", null));
            Assert.False(access.AddNote(bag, "ONE", 2));
            Assert.False(access.AddNote(bag, "", 2));
            Assert.False(access.AddNote(bag, "PSObject", 2));
            Assert.False(access.AddNote(bag, "pstypenames", 2));
            PSObjectAccess.SetTypeNames(bag, ["My.Type", "System.Object"]);
            Assert.Equal(["My.Type", "System.Object"], access.TypeNames(bag));
            Assert.Equal(["One", "two"], bag.Properties.Select(static property => property.Name));
            Assert.False(access.HasAddedMembers(PSObject.AsPSObject("text")));
            var noted = new PSObject("text");
            noted.Properties.Add(new PSNoteProperty("Note", 1));
            Assert.True(access.HasAddedMembers(noted));
        }
    }

    [Fact]
    public void A_received_property_is_found_by_script_that_ran_before_it_existed()
    {
        Assert.Equal("", Run("function Get-It($o) { \"$($o.NeverSeenBefore1)\" }; Get-It ([pscustomobject]@{ A = 1 })").Single());
        Assert.Equal("here", Run("$o = $args[0]; Get-It $o", Decode(Custom([("NeverSeenBefore1", "here")]))).Single());
    }

    [Theory]
    [InlineData(
        "[pscustomobject]@{ PSTypeName = 'My.Type'; B = 1; A = 'x' }",
        "$r.pstypenames -join ' '",
        "My.Type System.Management.Automation.PSCustomObject System.Object")]
    [InlineData("[pscustomobject]@{ B = 1; A = 'x' }", "\"$r\"", "@{B=1; A=x}")]
    [InlineData("[pscustomobject]@{}", "@($r.psobject.Properties).Count", 0)]
    [InlineData("[pscustomobject]@{ A = @() }", "$r.A.GetType().Name + $r.A.Count", "Object[]0")]
    [InlineData("@{ Key = 'v' }", "$r.KEY + $r.GetType().Name", "vHashtable")]
    [InlineData("[ordered]@{ z = 1; a = 2 }", "($r.Keys -join '') + $r.A + $r.GetType().Name", "za2OrderedDictionary")]
    [InlineData("{ Get-Date; $x }", "$r", " Get-Date; $x ")]
    [InlineData(
        "[DayOfWeek]::Friday",
        "($r -eq 'friday'), ($r -eq 5), \"$r\", [int]$r, ([DayOfWeek]$r -eq [DayOfWeek]::Friday), ($r -gt 4), ($r -band 1) -join ' '",
        "True True Friday 5 True True 1")]
    [InlineData("[sbyte[]](-1, 2)", "$r.GetType().Name + $r[0]", "SByte[]-1")]
    [InlineData("[uri]'http://a/b'", "$r.Host", "a")]
    [InlineData("[version]'1.2.3'", "$r.Minor", 2)]
    [InlineData("[char]'x'", "$r.GetType().Name", "Char")]
    [InlineData("12345678901234567890123456789n", "$r.GetType().Name", "BigInteger")]
    [InlineData("1.50d", "\"$r $($r.GetType().Name)\"", "1.50 Decimal")]
    [InlineData("[System.Collections.Generic.List[int]](1,2)", "$r.GetType().Name + $r.Count", "List`12")]
    [InlineData("[System.Collections.ArrayList](1,'b')", "$r.GetType().Name + $r[1]", "ArrayListb")]
    [InlineData("[string[]]('a','b')", "$r.GetType().Name", "String[]")]
    [InlineData("[timespan]'1.02:03:04.005'", "\"$r\"", "1.02:03:04.0050000")]
    [InlineData("[datetime]::SpecifyKind('2024-03-10', 'Local')", "$r.Kind.ToString() + $r.Ticks", "Local638456256000000000")]
    [InlineData("[xml]'<a><b c=\"1\"/></a>'", "$r.a.b.c", "1")]
    [InlineData("[int]", "\"$r $($r.FullName)\"", "System.Int32 System.Int32")]
    [InlineData("(Add-Note ([psobject]::new([object[]](1, 2))))", "$r.Note + $r.Count + $r.GetType().Name", "noted2Object[]")]
    [InlineData("(Add-Note ([psobject]::new('text')))", "$r.Note + $r + $r.GetType().Name", "notedtextString")]
    public void Values_arrive_as_PowerShell_has_them(string send, string look, object expected)
    {
        const string Script = """
            function Add-Note($o) { $o.psobject.Properties.Add([psnoteproperty]::new('Note', 'noted')); , $o }
            $pipe = New-IpcPipe
            Send-IpcMessage $pipe -InputObject ({0})
            $r = Receive-IpcMessage $pipe -Timeout 10
            {1}
            """;
        var script = Script.Replace("{0}", send, StringComparison.Ordinal).Replace("{1}", look, StringComparison.Ordinal);
        Assert.Equal(expected, Run(script).Single());
    }

    [Fact]
    public void Live_objects_arrive_as_copies_named_Deserialized()
    {
        var result = Run("""
            $pipe = New-IpcPipe
            [IO.FileInfo]::new('/etc/passwd') | Send-IpcMessage $pipe
            $r = Receive-IpcMessage $pipe -Timeout 10
            $r.pstypenames[0], "$r", $r.Name, $r.Directory.GetType().Name, $r.Directory, ($r.Length -gt 0)
            $r | Send-IpcMessage $pipe
            $r = Receive-IpcMessage $pipe -Timeout 10
            $r.pstypenames[0], "$r"
            """).NoErrors();
        object[] expected = ["Deserialized.System.IO.FileInfo", "/etc/passwd", "passwd", "String", "/etc", true];
        Assert.Equal([.. expected, "Deserialized.System.IO.FileInfo", "/etc/passwd"], result.Values);
    }

    [Fact]
    public void Getters_that_throw_or_are_script_break_nothing()
    {
        var result = Run("""
            $o = [pscustomobject]@{ A = 1 }
            $o.psobject.Properties.Add([psscriptproperty]::new('Twice', { $this.A * 2 }))
            $o.psobject.Properties.Add([psscriptproperty]::new('Broken', { throw 'no' }))
            $pipe = New-IpcPipe
            $o, [IO.DirectoryInfo]::new('/proc/self/nothing'), 'next' | Send-IpcMessage $pipe
            $r = Receive-IpcMessage $pipe -Timeout 10
            $r.A, $r.Twice, $r.Broken
            (Receive-IpcMessage $pipe -Timeout 10).Exists
            Receive-IpcMessage $pipe -Timeout 10
            """).NoErrors();
        Assert.Equal([1, 2, null, false, "next"], result.Values);
    }

    [Fact]
    public void A_collection_that_fails_is_that_message_s_error()
    {
        const string Script = "$pipe = New-IpcPipe; $args[0], 'next' | Send-IpcMessage $pipe; Receive-IpcMessage $pipe -Timeout 10";
        var result = _session.Run(Script, new object[] { new FailingCollection() });
        Assert.Equal("next", Assert.Single(result.Values));
        Assert.StartsWith("IpcInvalidArgument,", Assert.Single(result.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("it was changed", result.Errors[0].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_cycle_is_left_out_with_a_warning()
    {
        var result = Run("""
            $t = @{ A = 1 }
            $t.Self = $t
            $pipe = New-IpcPipe
            Send-IpcMessage $pipe $t
            $r = Receive-IpcMessage $pipe -Timeout 10
            $r.A, "$($r.Self)", $r.Self.Reason
            """).NoErrors();
        Assert.Equal([1, "(cycle: System.Collections.Hashtable)", IpcOmission.Cycle], result.Values);
        Assert.Contains("contains itself", Assert.Single(result.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Notes_of_Get_Content_are_not_sent_and_others_are()
    {
        var line = new PSObject("a line");
        line.Properties.Add(new PSNoteProperty("PSPath", "/x"));
        line.Properties.Add(new PSNoteProperty("ReadCount", 7L));
        Assert.IsType<string>(Decode(line));
        line.Properties.Add(new PSNoteProperty("Mine", 1));
        var copy = Assert.IsType<PSObject>(Decode(line));
        Assert.Equal("a line", copy.BaseObject);
        Assert.Equal("Mine", Assert.Single(copy.Properties.Match("*", PSMemberTypes.NoteProperty)).Name);
    }

    [Fact]
    public void Properties_of_one_number_are_not_those_of_every_number()
    {
        var five = new PSObject(5);
        five.Properties.Add(new PSNoteProperty("Note", "mine"));
        Assert.Equal("mine", ((PSObject)Decode(five)!).Properties["Note"].Value);
        Assert.Null(PSObject.AsPSObject(Decode(5)!).Properties["Note"]);
    }

    [Fact]
    public void Ipc_objects_are_sent_as_their_address_and_can_be_used()
    {
        var result = Run("""
            $pipe = New-IpcPipe
            $other = New-IpcPipe
            Send-IpcMessage $pipe $other.Writer
            $copy = Receive-IpcMessage $pipe -Timeout 10
            Send-IpcMessage $copy 'through the copy'
            Receive-IpcMessage $other -Timeout 10
            "$copy" -eq $other.Writer.Address
            """).NoErrors();
        Assert.Equal(["through the copy", true], result.Values);
    }

    [Fact]
    public void Depth_of_live_objects_is_the_sender_s_choice()
    {
        var file = new FileInfo("/etc/passwd");
        var one = new ObjectDecoder(PSObjectModel.Instance).Decode(new ObjectEncoder(PSObjectModel.Instance, 1).Encode(file));
        Assert.Equal("/etc", ((PSObject)one!).Properties["Directory"].Value);
        var three = new ObjectDecoder(PSObjectModel.Instance).Decode(new ObjectEncoder(PSObjectModel.Instance, 3).Encode(file));
        var directory = (PSObject)((PSObject)three!).Properties["Directory"].Value;
        Assert.Equal("/", ((PSObject)directory.Properties["Root"].Value).Properties["Name"].Value);
    }

    private static bool IsName(string name) => name.Length > 0 && !name.StartsWith("ps", StringComparison.OrdinalIgnoreCase);

    private static object? Custom((string, object?)[] pairs)
    {
        var custom = new PSObject();
        foreach (var (name, value) in pairs)
        {
            if (custom.Properties[name] is null) custom.Properties.Add(new PSNoteProperty(name, value));
        }
        return custom;
    }

    private static bool Same(object? left, object? right)
    {
        if (left is PSObject a)
        {
            return right is PSObject b && a.TypeNames.SequenceEqual(b.TypeNames) && a.Properties.Count() == b.Properties.Count() &&
                a.Properties.Zip(b.Properties).All(static pair => pair.First.Name == pair.Second.Name) &&
                a.Properties.Zip(b.Properties).All(static pair => Same(pair.First.Value, pair.Second.Value));
        }
        if (left is not object?[] items) return Values.Same(left, right);
        if (right is not object?[] others || items.Length != others.Length) return false;
        return items.Zip(others).All(static pair => Same(pair.First, pair.Second));
    }

    private static object? Decode(object? value) =>
        new ObjectDecoder(PSObjectModel.Instance).Decode(new ObjectEncoder(PSObjectModel.Instance).Encode(value));

    private SessionResult Run(string script, params object?[] arguments) => _session.Run(script, arguments);

    private sealed class FailingCollection : ICollection
    {
        public int Count => 1;
        public bool IsSynchronized => false;
        public object SyncRoot => this;

        public void CopyTo(Array array, int index)
        {
        }

        public IEnumerator GetEnumerator() => throw new InvalidOperationException("it was changed");
    }
}
