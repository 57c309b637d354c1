# Reads src/core/registry.def.  A platform is one line there and one folder, src/platform/NAME, whose
# module.cmake sets VMACCEL_PLATFORM_BUILT (the host condition), VMACCEL_PLATFORM_SOURCES (relative
# to the folder) and, where needed, VMACCEL_PLATFORM_LIBRARIES.
#
# Results: vmaccel_platform_sources, vmaccel_platform_libraries, and gen/registry_built.h with
# VMACCEL_BUILT_<name> as 0 or 1.

set(vmaccel_registry ${PROJECT_SOURCE_DIR}/src/core/registry.def)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${vmaccel_registry})

function(vmaccel_read_platform name)
    set(folder ${PROJECT_SOURCE_DIR}/src/platform/${name})
    set(VMACCEL_PLATFORM_BUILT OFF)
    set(VMACCEL_PLATFORM_SOURCES "")
    set(VMACCEL_PLATFORM_LIBRARIES "")
    include(${folder}/module.cmake OPTIONAL)
    set(built 0)
    if(VMACCEL_PLATFORM_BUILT)
        set(built 1)
        foreach(source IN LISTS VMACCEL_PLATFORM_SOURCES)
            get_filename_component(source ${source} ABSOLUTE BASE_DIR ${folder})
            list(APPEND vmaccel_platform_sources ${source})
        endforeach()
        list(APPEND vmaccel_platform_libraries ${VMACCEL_PLATFORM_LIBRARIES})
        set(vmaccel_platform_sources ${vmaccel_platform_sources} PARENT_SCOPE)
        set(vmaccel_platform_libraries ${vmaccel_platform_libraries} PARENT_SCOPE)
    endif()
    set(built_header "${built_header}#define VMACCEL_BUILT_${name} ${built}\n" PARENT_SCOPE)
endfunction()

set(vmaccel_platform_sources "")
set(vmaccel_platform_libraries "")
set(built_header "")
if(EXISTS ${vmaccel_registry})
    file(STRINGS ${vmaccel_registry} lines REGEX "^VMACCEL_PLATFORM\\(")
    foreach(line IN LISTS lines)
        string(REGEX REPLACE "^VMACCEL_PLATFORM\\( *([a-z0-9_]+).*" "\\1" name "${line}")
        vmaccel_read_platform(${name})
    endforeach()
endif()
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/gen/registry_built.h CONTENT "${built_header}" @ONLY)
