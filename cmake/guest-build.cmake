# Builds one guest program into a C array and a header; see Guests.cmake.
# Input: name source out cc cflags ld objcopy nm.

cmake_minimum_required(VERSION 3.22)
set(base ${out}/guest_${name})

function(run)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output)
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "guest ${name}: ${ARGN}: ${result}")
    endif()
    set(output "${output}" PARENT_SCOPE)
endfunction()

set(org 0x1000)
file(STRINGS ${source} line REGEX "guest: org=0x[0-9a-fA-F]+" LIMIT_COUNT 1)
if(line)
    string(REGEX REPLACE ".*guest: org=(0x[0-9a-fA-F]+).*" "\\1" org "${line}")
endif()

get_filename_component(folder ${source} DIRECTORY)
set(flags ${cflags} -I${folder} -I${folder}/.. -ffreestanding -fno-pic -fno-stack-protector
          -fno-asynchronous-unwind-tables)
if(source MATCHES "\\.S$")
    run(${cc} ${flags} -x assembler-with-cpp -c ${source} -o ${base}.o)
else()
    run(${cc} ${flags} -std=c17 -O2 -Wall -Wextra -Werror -c ${source} -o ${base}.o)
endif()

# One contiguous section, zeroed data included, so that the image is what is in memory.
file(WRITE ${base}.ld "PHDRS { image PT_LOAD FLAGS(5); }
SECTIONS {
    . = ${org};
    .guest : { *(.text.start) *(.text .text.*) *(.rodata .rodata.*) *(.data .data.*)
               *(.bss .bss.*) *(COMMON) } :image
    /DISCARD/ : { *(.note .note.* .comment .eh_frame) }
}\n")
run(${ld} -N -z noexecstack --build-id=none -e 0 -T ${base}.ld ${base}.o -o ${base}.elf)
run(${objcopy} -O binary -j .guest --set-section-flags .guest=alloc,load,contents
    ${base}.elf ${base}.bin)

file(READ ${base}.bin hex HEX)
string(LENGTH "${hex}" size)
math(EXPR size "${size} / 2")
if(size EQUAL 0)
    message(FATAL_ERROR "guest ${name}: ${source} has no code")
endif()
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
file(WRITE ${base}.c "#include \"guest_${name}.h\"
const unsigned char vmaccel_guest_${name}[] = {
${hex}
};
const size_t vmaccel_guest_${name}_size = sizeof(vmaccel_guest_${name});
")

run(${nm} ${base}.elf)
set(symbols "")
string(REGEX MATCHALL "[0-9a-fA-F]+ [A-Z] sym_[A-Za-z0-9_]+" lines "${output}")
foreach(line IN LISTS lines)
    string(REGEX MATCH "^([0-9a-fA-F]+) . (sym_.*)$" line "${line}")
    math(EXPR offset "0x${CMAKE_MATCH_1} - ${org}" OUTPUT_FORMAT HEXADECIMAL)
    string(APPEND symbols "#define VMACCEL_GUEST_${name}_${CMAKE_MATCH_2} ${offset}u\n")
endforeach()
file(WRITE ${base}.h "#ifndef VMACCEL_GUEST_${name}_H
#define VMACCEL_GUEST_${name}_H
#include <stddef.h>
extern const unsigned char vmaccel_guest_${name}[];
extern const size_t vmaccel_guest_${name}_size;
#define VMACCEL_GUEST_${name}_ORG ${org}u
${symbols}#endif
")
