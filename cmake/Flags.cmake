# Compiler flags common to all of the project's own targets.

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

find_package(Threads REQUIRED)

set(vmaccel_warnings -Wall -Wextra -Wshadow -Wcast-qual -Wvla -Wundef -Wwrite-strings)
set(vmaccel_c_warnings -Wstrict-prototypes -Wmissing-prototypes)
if(VMACCEL_WERROR)
    list(APPEND vmaccel_warnings -Werror)
endif()

# Everything of ours links to this; it is never exported.
add_library(vmaccel_flags INTERFACE)
target_compile_options(vmaccel_flags INTERFACE
    ${vmaccel_warnings} "$<$<COMPILE_LANGUAGE:C>:${vmaccel_c_warnings}>")

if(VMACCEL_SANITIZE)
    include(CheckCSourceRuns)
    set(flags -fsanitize=${VMACCEL_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    list(JOIN flags " " CMAKE_REQUIRED_FLAGS)
    check_c_source_runs("int main(void) { return 0; }" VMACCEL_SANITIZER_WORKS)
    unset(CMAKE_REQUIRED_FLAGS)
    if(NOT VMACCEL_SANITIZER_WORKS)
        message(FATAL_ERROR
            "${CMAKE_C_COMPILER} cannot build and run a program with -fsanitize=${VMACCEL_SANITIZE}. "
            "Install the compiler's sanitizer run-time (Debian: apt install gcc libgcc-12-dev, or "
            "clang libclang-rt-14-dev). If it builds but does not run, the kernel's address "
            "randomization may be too wide for it: sysctl vm.mmap_rnd_bits=28.")
    endif()
    target_compile_options(vmaccel_flags INTERFACE ${flags})
    target_link_options(vmaccel_flags INTERFACE ${flags})
endif()

# Coverage feedback comes from the code under test.
if(VMACCEL_FUZZ)
    target_compile_options(vmaccel_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# vmaccel_sources(VAR patterns...): the files that match, below the top of the project, less those
# named for another host (*_posix.c, *_windows.c).
function(vmaccel_sources var)
    list(TRANSFORM ARGN PREPEND ${PROJECT_SOURCE_DIR}/)
    file(GLOB_RECURSE found CONFIGURE_DEPENDS ${ARGN})
    if(WIN32)
        list(FILTER found EXCLUDE REGEX "_posix\\.c$")
    else()
        list(FILTER found EXCLUDE REGEX "_windows\\.c$")
    endif()
    set(${var} ${found} PARENT_SCOPE)
endfunction()

# Strict C17 hides the host's own interfaces; only the code that is there to reach them asks for
# them.  The empty value agrees with a plain "#define _GNU_SOURCE" in a file.
set(vmaccel_host_definitions "$<$<NOT:$<BOOL:${WIN32}>>:_GNU_SOURCE=>")
