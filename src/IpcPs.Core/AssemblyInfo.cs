using System.Runtime.CompilerServices;

// Everything that crosses to libc is blittable or marshalled by LibraryImport.
[assembly: DisableRuntimeMarshalling]
