# make install, the pkg-config file and the CMake package.

include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/vmaccel)

install(TARGETS vmaccel_shared vmaccel_static EXPORT vmaccel
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET vmaccel)
    install(TARGETS vmaccel RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY include/vmaccel DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")
install(EXPORT vmaccel NAMESPACE vmaccel:: FILE vmaccelTargets.cmake DESTINATION ${package_dir})

configure_package_config_file(cmake/vmaccelConfig.cmake.in
    ${PROJECT_BINARY_DIR}/gen/vmaccelConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/gen/vmaccelConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/gen/vmaccelConfig.cmake
              ${PROJECT_BINARY_DIR}/gen/vmaccelConfigVersion.cmake
        DESTINATION ${package_dir})

set(pc_libraries_private -pthread)
foreach(library IN LISTS vmaccel_platform_libraries)
    list(APPEND pc_libraries_private -l${library})
endforeach()
list(JOIN pc_libraries_private " " pc_libraries_private)
configure_file(cmake/vmaccel.pc.in gen/vmaccel.pc.in @ONLY)
# The prefix is known only when "cmake --install --prefix" runs.
install(CODE "
    set(prefix \"\${CMAKE_INSTALL_PREFIX}\")
    set(dollar \"$\")
    configure_file(\"${PROJECT_BINARY_DIR}/gen/vmaccel.pc.in\"
                   \"${PROJECT_BINARY_DIR}/gen/vmaccel.pc\")")
install(FILES ${PROJECT_BINARY_DIR}/gen/vmaccel.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

file(GLOB man_pages CONFIGURE_DEPENDS docs/man/*.1)
install(FILES ${man_pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
file(GLOB doc_pages CONFIGURE_DEPENDS README.md LICENSE docs/*.md)
install(FILES ${doc_pages} DESTINATION ${CMAKE_INSTALL_DOCDIR})
