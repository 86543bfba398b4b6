using System.Text;

namespace IpcPs.Diagrams;

/// <summary>The style sheet of a diagram. Its rules reach only into the diagram, also where it stands in a web page.</summary>
internal static class SvgStyle
{
    /// <summary>The begin of the rules for a dark background.</summary>
    internal const string Dark = "@media (prefers-color-scheme: dark) {";

    private const string Root = ".ipc-diagram ";

    public static string Text { get; } = Build();

    private static string Build()
    {
        var css = new StringBuilder("\n");
        css.Append(Root).Append("text { font-family: ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; font-size: 11px; }\n");
        css.Append(Root).Append(".name, ").Append(Root).Append(".process .small, ").Append(Root)
            .Append(".label .small { text-anchor: middle; }\n");
        css.Append(Root).Append(".process .name { font-size: 13px; font-weight: bold; }\n");
        css.Append(Root).Append(".heading { font-size: 15px; font-weight: bold; }\n");
        css.Append(Root).Append(".line { fill: none; stroke-width: 1.6; }\n");
        css.Append(Root).Append(".waits { stroke-dasharray: 6 4; }\n");
        css.Append(Root).Append(".line.deadlock { stroke-width: 2.6; }\n");
        css.Append(Root).Append(".process.deadlock rect { stroke-width: 2.6; }\n");
        AppendColors(css, "#ffffff", "#1f2328", "#59636e", "#f3f5f7", "#8b949e", DiagramFamily.LightDeadlock, static f => f.Light);
        css.Append(Dark).Append('\n');
        AppendColors(css, "#0d1117", "#e6edf3", "#9da7b3", "#1c2330", "#6e7781", DiagramFamily.DarkDeadlock, static f => f.Dark);
        return css.Append("}\n").ToString();
    }

    private static void AppendColors(StringBuilder css, string ground, string text, string small, string box, string border,
        string deadlock, Func<DiagramFamily, string> colorOf)
    {
        css.Append(Root).Append($".ground {{ fill: {ground}; }}\n");
        css.Append(Root).Append($"text {{ fill: {text}; }}\n");
        css.Append(Root).Append($".small {{ fill: {small}; }}\n");
        css.Append(Root).Append($".process rect {{ fill: {box}; stroke: {border}; }}\n");
        css.Append(Root).Append($".label rect {{ fill: {ground}; }}\n");
        foreach (var family in DiagramFamily.All) AppendColor(css, family.Name, colorOf(family));
        AppendColor(css, "deadlock", deadlock);
        // After the rule for labels, which would have no more weight.
        css.Append(Root).Append($".process.deadlock rect {{ stroke: {deadlock}; }}\n");
    }

    private static void AppendColor(StringBuilder css, string name, string color)
    {
        css.Append(Root).Append($".line.{name} {{ stroke: {color}; }}\n");
        css.Append(Root).Append($".arrow.{name} {{ fill: {color}; }}\n");
        css.Append(Root).Append($".label.{name} rect {{ stroke: {color}; }}\n");
        css.Append(Root).Append($".label.{name} text {{ fill: {color}; }}\n");
    }
}
