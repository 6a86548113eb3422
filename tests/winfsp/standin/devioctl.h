/* The few names of Windows that winfsp/fsctl.h needs, for a compiler that is not for Windows. */
#ifndef STANDIN_DEVIOCTL_H
#define STANDIN_DEVIOCTL_H

#include <stddef.h>
#include <stdint.h>

typedef uint8_t UINT8, BOOLEAN, *PUINT8;
typedef uint16_t UINT16, WCHAR, *PWSTR, *PWCHAR;
typedef uint32_t UINT32, NTSTATUS, *PUINT32;
typedef int32_t INT32;
typedef uint64_t UINT64;
typedef size_t SIZE_T, *PSIZE_T, UINT_PTR;
typedef void VOID, *PVOID, *HANDLE, **PHANDLE, *PSECURITY_DESCRIPTOR;
typedef struct { UINT32 Data1; UINT16 Data2, Data3; UINT8 Data4[8]; } GUID;

#define DUMMYUNIONNAME
#define _AMD64_
#define align(n) aligned(n)
#define selectany weak
#define __declspec(x) __attribute__((x))
#define FSP_API extern

#endif
