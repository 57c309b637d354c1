# Zydis, the x86 decoder: built from the sources that scripts/zydis fetched, and part of the library;
# else the system's. Its parts that need Zycore's own code are left out.

set(VMACCEL_DEPS "${PROJECT_SOURCE_DIR}/build/deps" CACHE PATH "Sources of libraries built in")

add_library(vmaccel_zydis INTERFACE)
set(vmaccel_zydis_objects "")
if(EXISTS ${VMACCEL_DEPS}/zydis/src/Decoder.c)
    add_library(vmaccel_zydis_objs OBJECT
        ${VMACCEL_DEPS}/zydis/src/Decoder.c ${VMACCEL_DEPS}/zydis/src/DecoderData.c
        ${VMACCEL_DEPS}/zydis/src/Encoder.c ${VMACCEL_DEPS}/zydis/src/EncoderData.c
        ${VMACCEL_DEPS}/zydis/src/MetaInfo.c ${VMACCEL_DEPS}/zydis/src/Mnemonic.c
        ${VMACCEL_DEPS}/zydis/src/Register.c ${VMACCEL_DEPS}/zydis/src/Segment.c
        ${VMACCEL_DEPS}/zydis/src/SharedData.c ${VMACCEL_DEPS}/zydis/src/String.c
        ${VMACCEL_DEPS}/zydis/src/Utils.c)
    target_include_directories(vmaccel_zydis_objs PRIVATE ${VMACCEL_DEPS}/zydis/src)
    target_include_directories(vmaccel_zydis SYSTEM INTERFACE
        ${VMACCEL_DEPS}/zydis/include ${VMACCEL_DEPS}/zycore)
    target_compile_definitions(vmaccel_zydis INTERFACE
        ZYDIS_STATIC_BUILD ZYCORE_STATIC_BUILD ZYDIS_DISABLE_FORMATTER)
    target_compile_options(vmaccel_zydis_objs PRIVATE -fvisibility=hidden -O2)
    target_link_libraries(vmaccel_zydis_objs PRIVATE vmaccel_zydis)
    set(vmaccel_zydis_objects $<TARGET_OBJECTS:vmaccel_zydis_objs>)
else()
    find_package(zydis 4 CONFIG REQUIRED)
    target_link_libraries(vmaccel_zydis INTERFACE Zydis::Zydis)
endif()
