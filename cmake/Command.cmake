# The command: cli/, and with it the conformance suite and the benchmarks, each an outside user of
# the library.

vmaccel_sources(cli_sources cli/*.c)
vmaccel_sources(conformance_sources tests/conformance/*.c)
vmaccel_sources(bench_sources bench/*.c)
# Programs of their own: cmake/Workloads.cmake.
list(FILTER bench_sources EXCLUDE REGEX "/bench/guest/")
# What the library is compared with: KVM's own interface, or nothing.
set(raw_arch "")
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    set(raw_arch_x86_64 x86)
    set(raw_arch_aarch64 arm64)
    set(raw_arch "${raw_arch_${CMAKE_SYSTEM_PROCESSOR}}")
endif()
if(raw_arch)
    list(FILTER bench_sources EXCLUDE REGEX "/raw_none\\.c$")
    foreach(arch x86 arm64)
        if(NOT arch STREQUAL raw_arch)
            list(FILTER bench_sources EXCLUDE REGEX "/raw_kvm_${arch}\\.c$")
        endif()
    endforeach()
else()
    list(FILTER bench_sources EXCLUDE REGEX "/raw_kvm[a-z0-9_]*\\.c$")
endif()
vmaccel_sources(guests tests/guest/*.S tests/guest/*.c)

# The suite's cases for a guest architecture are in the build where its guest programs are.
set(conformance_archs "")
foreach(arch x86 arm64)
    string(TOUPPER ${arch} ARCH)
    if(VMACCEL_GUEST_${ARCH}_CC)
        list(APPEND conformance_archs ${arch})
    else()
        list(FILTER conformance_sources EXCLUDE REGEX "/${arch}_[^/]*$")
    endif()
endforeach()

set(command_parts "")
foreach(part conformance bench)
    if(${part}_sources)
        add_library(vmaccel_${part}_objs OBJECT ${${part}_sources})
        target_link_libraries(vmaccel_${part}_objs PRIVATE vmaccel_flags)
        target_compile_definitions(vmaccel_${part}_objs PRIVATE
            VMACCEL_STATIC ${vmaccel_host_definitions})
        target_include_directories(vmaccel_${part}_objs PRIVATE ${PROJECT_SOURCE_DIR}/include)
        list(APPEND command_parts $<TARGET_OBJECTS:vmaccel_${part}_objs>)
    endif()
endforeach()
if(TARGET vmaccel_conformance_objs)
    target_include_directories(vmaccel_conformance_objs PRIVATE
        ${PROJECT_SOURCE_DIR}/tests/conformance)
    set(conformance_define_x86 SUITE_X86_64)
    set(conformance_define_arm64 SUITE_ARM64)
    foreach(arch IN LISTS conformance_archs)
        vmaccel_add_guests(vmaccel_conformance_objs ${arch} ${guests})
        target_compile_definitions(vmaccel_conformance_objs PRIVATE
            ${conformance_define_${arch}})
    endforeach()
endif()

if(cli_sources)
    add_library(vmaccel_cli_objs OBJECT ${cli_sources})
    target_link_libraries(vmaccel_cli_objs PRIVATE vmaccel_flags)
    target_compile_definitions(vmaccel_cli_objs PRIVATE
        VMACCEL_STATIC ${vmaccel_host_definitions})
    target_include_directories(vmaccel_cli_objs PRIVATE
        ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/cli
        ${PROJECT_SOURCE_DIR}/tests/conformance ${PROJECT_SOURCE_DIR}/bench)

    add_executable(vmaccel $<TARGET_OBJECTS:vmaccel_cli_objs> ${command_parts})
    target_link_libraries(vmaccel PRIVATE vmaccel_flags vmaccel_static)

    # For machines with no C library of ours, such as the rig's initramfs.
    include(CheckCSourceCompiles)
    set(CMAKE_REQUIRED_LINK_OPTIONS -static)
    check_c_source_compiles("int main(void) { return 0; }" VMACCEL_STATIC_LINK_WORKS)
    unset(CMAKE_REQUIRED_LINK_OPTIONS)
    if(VMACCEL_STATIC_LINK_WORKS AND NOT VMACCEL_SANITIZE)
        add_executable(vmaccel-static $<TARGET_OBJECTS:vmaccel_cli_objs> ${command_parts})
        target_link_libraries(vmaccel-static PRIVATE vmaccel_flags vmaccel_static)
        target_link_options(vmaccel-static PRIVATE -static)
    elseif(NOT VMACCEL_SANITIZE)
        message(WARNING "no static C library: vmaccel-static, which the rig needs, is not built")
    endif()
    foreach(target vmaccel vmaccel-static)
        if(TARGET ${target})
            set_target_properties(${target} PROPERTIES
                LINKER_LANGUAGE C RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
        endif()
    endforeach()
endif()
