# libvmaccel.  The registry is an object of its own, so that a test can link the rest with a table
# of its own.

if(WIN32)
    set(os windows)
else()
    set(os posix)
endif()

vmaccel_sources(sources src/core/*.c src/os/${os}/*.c src/arch/*.c src/cpu/*.c src/irqchip/*.c
                src/machine/*.c src/gdb/*.c src/snapshot/*.c)
list(REMOVE_ITEM sources ${PROJECT_SOURCE_DIR}/src/core/registry.c)
list(APPEND sources ${vmaccel_platform_sources})

add_library(vmaccel_core_objs OBJECT ${sources})
add_library(vmaccel_registry_objs OBJECT ${PROJECT_SOURCE_DIR}/src/core/registry.c)
target_include_directories(vmaccel_registry_objs PRIVATE ${PROJECT_BINARY_DIR}/gen)

# The uapi ends structs with arrays; a batch of such is a struct with one at its head.
set(host_options "")
if(CMAKE_C_COMPILER_ID MATCHES "Clang")
    set(host_options -Wno-gnu-variable-sized-type-not-at-end)
endif()

# Host interfaces are for src/os and src/platform.
set(host_sources ${sources})
list(FILTER host_sources INCLUDE REGEX "/src/(os|platform)/")
set_source_files_properties(${host_sources} PROPERTIES
    COMPILE_DEFINITIONS "${vmaccel_host_definitions}" COMPILE_OPTIONS "${host_options}")

# Loops over vector elements are written to be vectorised.
set_source_files_properties(
    ${PROJECT_SOURCE_DIR}/src/cpu/x86/vec_int.c ${PROJECT_SOURCE_DIR}/src/cpu/x86/vec_shuffle.c
    ${PROJECT_SOURCE_DIR}/src/cpu/x86/vec_crypto.c ${PROJECT_SOURCE_DIR}/src/cpu/x86/vec_hot.c
    PROPERTIES COMPILE_OPTIONS "$<$<CONFIG:Release,RelWithDebInfo>:-O3>")

# Stores of two neighbouring fields of a CPU are two stores: joined, they are slow to read back.
file(GLOB integer_sources ${PROJECT_SOURCE_DIR}/src/cpu/x86/int_*.c)
set_source_files_properties(${integer_sources} PROPERTIES COMPILE_OPTIONS -fno-tree-slp-vectorize)

foreach(target vmaccel_core_objs vmaccel_registry_objs)
    target_link_libraries(${target} PRIVATE vmaccel_flags vmaccel_zydis vmaccel_fdt vmaccel_zlib)
    target_include_directories(${target} PRIVATE
        ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
    target_compile_definitions(${target} PRIVATE VMACCEL_BUILDING)
    target_compile_options(${target} PRIVATE
        -fvisibility=hidden -ftls-model=initial-exec -fno-semantic-interposition
        -foptimize-sibling-calls)
endforeach()

set(vmaccel_objects
    $<TARGET_OBJECTS:vmaccel_core_objs> $<TARGET_OBJECTS:vmaccel_registry_objs>
    ${vmaccel_deps_objects})

add_library(vmaccel_static STATIC ${vmaccel_objects})
add_library(vmaccel_shared SHARED ${vmaccel_objects})
add_library(vmaccel::vmaccel ALIAS vmaccel_shared)
add_library(vmaccel::vmaccel_static ALIAS vmaccel_static)
target_compile_definitions(vmaccel_static INTERFACE VMACCEL_STATIC)
target_link_libraries(vmaccel_shared PRIVATE $<BUILD_INTERFACE:vmaccel_flags>)
set_target_properties(vmaccel_shared PROPERTIES
    EXPORT_NAME vmaccel VERSION ${PROJECT_VERSION} SOVERSION 0)

foreach(target vmaccel_static vmaccel_shared)
    set_target_properties(${target} PROPERTIES
        OUTPUT_NAME vmaccel LINKER_LANGUAGE C
        ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}
        LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
    target_include_directories(${target} INTERFACE
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
        $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    target_link_libraries(${target} PRIVATE Threads::Threads ${vmaccel_platform_libraries})
endforeach()
