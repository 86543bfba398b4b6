// Everything that crosses to libc is blittable or marshalled by LibraryImport.
using System.Runtime.CompilerServices;

[assembly: DisableRuntimeMarshalling]
