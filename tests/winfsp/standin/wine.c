/*
 * What Deno's program for Windows needs to start under Wine 8: the random numbers of a library that
 * Wine has not, and no sight of three functions that Wine has, but not all of: V8 does without them.
 * Named bcryptprimitives.dll it is loaded by the program itself. With STANDIN_DRIVER it is also the
 * driver behind WinFsp's own library.
 */

#ifdef STANDIN_DRIVER
#include "standin.c"
#else
#include <string.h>
#include <windows.h>
#endif

BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);

__declspec(dllexport) BOOL WINAPI ProcessPrng(UINT8 *bytes, SIZE_T count) {
  return SystemFunction036(bytes, (ULONG)count);
}

static FARPROC WINAPI getProcAddress(HMODULE module, const char *name) {
  static const char *const hidden[] = { "VirtualAlloc2", "MapViewOfFile3", "UnmapViewOfFile2" };
  if ((ULONG_PTR)name > 0xffff) {
    for (int index = 0; index < 3; index++)
      if (!strcmp(name, hidden[index])) return 0;
#ifdef STANDIN_DRIVER
    if (!strcmp(name, "FspFileSystemPreflight")) takeOver(module);
#endif
  }
  return GetProcAddress(module, name);
}

BOOL WINAPI DllMain(HINSTANCE self, DWORD reason, void *reserved) {
  if (reason != DLL_PROCESS_ATTACH) return TRUE;
  UINT8 *base = (UINT8 *)GetModuleHandleA(0);
  IMAGE_NT_HEADERS *headers = (void *)(base + ((IMAGE_DOS_HEADER *)base)->e_lfanew);
  IMAGE_IMPORT_DESCRIPTOR *import =
      (void *)(base + headers->OptionalHeader.DataDirectory[1].VirtualAddress);
  ULONG_PTR real = (ULONG_PTR)GetProcAddress(GetModuleHandleA("kernel32.dll"), "GetProcAddress");
  for (; import->Name; import++) {
    for (ULONG_PTR *at = (void *)(base + import->FirstThunk); *at; at++) {
      DWORD old;
      if (*at != real) continue;
      VirtualProtect(at, sizeof *at, PAGE_READWRITE, &old);
      *at = (ULONG_PTR)getProcAddress;
      VirtualProtect(at, sizeof *at, old, &old);
    }
  }
  return TRUE;
}
