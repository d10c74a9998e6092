# Finds oneDNN among the prefixes that tallow-build mirrors from the wheels `onednn-cpu-gomp` and
# `onednn-devel-cpu-gomp`.
#
#   include(TallowOneDNN)
#   target_link_libraries(mylib PRIVATE tallow::onednn)
#   tallow_install_onednn(tallow/nn/lib)        # copy of the library beside mylib, whose RPATH is $ORIGIN
#
# The wheel's own dnnl-config.cmake is not used: it names files that a mirror of one copy does not have.
find_path(TALLOW_ONEDNN_INCLUDE_DIR oneapi/dnnl/dnnl.hpp NO_CMAKE_SYSTEM_PATH REQUIRED)
find_library(TALLOW_ONEDNN_LIBRARY NAMES libdnnl.so.3 NO_CMAKE_SYSTEM_PATH REQUIRED)

if(NOT TARGET tallow::onednn)
  add_library(tallow::onednn SHARED IMPORTED)
  set_target_properties(tallow::onednn PROPERTIES
    IMPORTED_LOCATION "${TALLOW_ONEDNN_LIBRARY}"
    IMPORTED_SONAME libdnnl.so.3
    INTERFACE_INCLUDE_DIRECTORIES "${TALLOW_ONEDNN_INCLUDE_DIR}")
endif()

# Stripped here and not by `cmake --install --strip`, which strips only what the project builds: 55 -> 44 MB,
# and 11 MB in the wheel.
function(tallow_install_onednn destination)
  set(copy "${CMAKE_CURRENT_BINARY_DIR}/onednn/libdnnl.so.3")
  find_program(TALLOW_STRIP NAMES strip REQUIRED)
  add_custom_command(OUTPUT "${copy}"
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${CMAKE_CURRENT_BINARY_DIR}/onednn"
    COMMAND "${TALLOW_STRIP}" --strip-unneeded -o "${copy}" "${TALLOW_ONEDNN_LIBRARY}"
    DEPENDS "${TALLOW_ONEDNN_LIBRARY}"
    COMMENT "Stripping oneDNN"
    VERBATIM)
  add_custom_target(tallow_onednn_stripped ALL DEPENDS "${copy}")
  install(FILES "${copy}" DESTINATION "${destination}")
  # Its licence (Apache-2.0) and those of what it contains go wherever the library goes.
  find_path(TALLOW_ONEDNN_DOC_DIR THIRD-PARTY-PROGRAMS PATH_SUFFIXES share/doc/onednn NO_CMAKE_SYSTEM_PATH REQUIRED)
  install(FILES "${TALLOW_ONEDNN_DOC_DIR}/LICENSE" "${TALLOW_ONEDNN_DOC_DIR}/THIRD-PARTY-PROGRAMS"
    DESTINATION "${destination}/onednn-licenses")
endfunction()
