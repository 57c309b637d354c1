# Libraries that are built in from the sources which scripts/deps fetched:
#   vmaccel_zydis   Zydis, the x86 decoder, without the parts that need Zycore's own code
#   vmaccel_fdt     libfdt, flattened device trees
#   vmaccel_zlib    zlib's inflate; its names have a prefix, so that a program may link its own zlib
# Each is a target to link for its headers; vmaccel_deps_objects are the objects of all, for every
# library of ours.

set(VMACCEL_DEPS "${PROJECT_SOURCE_DIR}/build/deps" CACHE PATH "Sources of libraries built in")

set(vmaccel_deps_objects "")
# vmaccel_add_dep(<name> <folder> <sources...>)
function(vmaccel_add_dep name folder)
    list(TRANSFORM ARGN PREPEND ${folder}/)
    foreach(source IN LISTS ARGN)
        if(NOT EXISTS ${source})
            message(FATAL_ERROR "no ${source}: run scripts/deps, or set VMACCEL_DEPS")
        endif()
    endforeach()
    add_library(vmaccel_${name} INTERFACE)
    add_library(vmaccel_${name}_objs OBJECT ${ARGN})
    target_include_directories(vmaccel_${name}_objs PRIVATE ${folder})
    target_compile_options(vmaccel_${name}_objs PRIVATE -fvisibility=hidden -O2)
    target_link_libraries(vmaccel_${name}_objs PRIVATE vmaccel_${name})
    list(APPEND vmaccel_deps_objects $<TARGET_OBJECTS:vmaccel_${name}_objs>)
    set(vmaccel_deps_objects ${vmaccel_deps_objects} PARENT_SCOPE)
endfunction()

vmaccel_add_dep(zydis ${VMACCEL_DEPS}/zydis/src
    Decoder.c DecoderData.c Encoder.c EncoderData.c MetaInfo.c Mnemonic.c Register.c Segment.c
    SharedData.c String.c Utils.c)
target_include_directories(vmaccel_zydis SYSTEM INTERFACE
    ${VMACCEL_DEPS}/zydis/include ${VMACCEL_DEPS}/zycore)
target_compile_definitions(vmaccel_zydis INTERFACE
    ZYDIS_STATIC_BUILD ZYCORE_STATIC_BUILD ZYDIS_DISABLE_FORMATTER)

vmaccel_add_dep(fdt ${VMACCEL_DEPS}/fdt
    fdt.c fdt_addresses.c fdt_check.c fdt_empty_tree.c fdt_ro.c fdt_rw.c fdt_strerror.c fdt_sw.c
    fdt_wip.c)
target_include_directories(vmaccel_fdt SYSTEM INTERFACE ${VMACCEL_DEPS}/fdt)
target_compile_definitions(vmaccel_fdt_objs PRIVATE _GNU_SOURCE) # strnlen

vmaccel_add_dep(zlib ${VMACCEL_DEPS}/zlib
    adler32.c crc32.c inffast.c inflate.c inftrees.c zutil.c)
target_include_directories(vmaccel_zlib SYSTEM INTERFACE ${VMACCEL_DEPS}/zlib)
target_compile_definitions(vmaccel_zlib INTERFACE Z_PREFIX)
