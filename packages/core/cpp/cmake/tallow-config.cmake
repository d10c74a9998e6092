# CMake support for native code on Tallow's C ABI: `find_package(tallow CONFIG REQUIRED)`.
#
#   tallow_add_library(tallow_mine SOURCES a.cpp b.cpp [ISA_SOURCES kernels.cpp] [DESTINATION mine/lib] [EXPORTS f])
#   tallow_add_isa_sources(tallow_mine kernels.cpp)
#
# Everything is header-only from here: a library on the ABI links neither libtallow_core nor Python. Core opens it with
# `tallow.ops.load_library` and hands it the table of functions.
include_guard(GLOBAL)

get_filename_component(_tallow_include "${CMAKE_CURRENT_LIST_DIR}/../include" ABSOLUTE)       # in core's source tree
if(NOT EXISTS "${_tallow_include}/tallow/abi.h")
  get_filename_component(_tallow_include "${CMAKE_CURRENT_LIST_DIR}/../../../include" ABSOLUTE)  # installed
endif()
set(TALLOW_INCLUDE_DIR "${_tallow_include}" CACHE INTERNAL "Folder that holds tallow/abi.h")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

if(NOT TARGET tallow::headers)
  add_library(tallow::headers INTERFACE IMPORTED GLOBAL)
  set_target_properties(tallow::headers PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${TALLOW_INCLUDE_DIR}"
    INTERFACE_COMPILE_FEATURES cxx_std_20)
endif()

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(TALLOW_ISAS baseline avx2 avx512 CACHE STRING "Instruction sets that ISA sources are compiled for")
else()
  set(TALLOW_ISAS baseline CACHE STRING "Instruction sets that ISA sources are compiled for")
endif()

set(_tallow_flags_baseline "")
if("avx2" IN_LIST TALLOW_ISAS)
  set(_tallow_flags_baseline -march=x86-64-v2)
endif()
set(_tallow_flags_avx2 -march=x86-64-v2 -mavx2 -mfma -mf16c)
set(_tallow_flags_avx512 -march=x86-64-v2 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c)
set(_tallow_level_baseline 0)
set(_tallow_level_avx2 1)
set(_tallow_level_avx512 2)

# What all code on the ABI is compiled with. Not -ffast-math: NaN, infinities and signed zeros behave as IEEE says, and
# sums are not reassociated, so that the same program gives the same bits.
function(tallow_target_defaults target)
  set_target_properties(${target} PROPERTIES
    CXX_VISIBILITY_PRESET hidden
    C_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON
    BUILD_RPATH_USE_ORIGIN ON
    INSTALL_RPATH "\$ORIGIN")
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -fno-math-errno -fno-trapping-math -ffunction-sections -fdata-sections)
  if(TALLOW_DEBUG_INFO)
    target_compile_options(${target} PRIVATE -g)
  endif()
  if(TALLOW_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${TALLOW_SANITIZE} -fno-omit-frame-pointer -g)
    target_link_options(${target} PRIVATE -fsanitize=${TALLOW_SANITIZE})
  endif()
  get_target_property(type ${target} TYPE)
  if(type MATCHES "SHARED_LIBRARY|MODULE_LIBRARY|EXECUTABLE")
    target_link_options(${target} PRIVATE -Wl,--gc-sections -Wl,--as-needed -Wl,--exclude-libs,ALL)
    if(type STREQUAL "SHARED_LIBRARY" AND NOT TALLOW_SANITIZE)
      target_link_options(${target} PRIVATE -Wl,--no-undefined)
    endif()
  endif()
endfunction()

# tallow_add_isa_sources(<target> [NO_CONTRACT] <files>...)
#
# Compiles each file once per instruction set, with TL_ISA=baseline|avx2|avx512 (a token, for namespaces) and
# TL_ISA_LEVEL=0|1|2 (for #if), and links all of them into the target. NO_CONTRACT keeps a*b+c at two roundings.
#
# A weak symbol that several objects define (an inline function that the compiler did not inline) is taken from the
# first of them on the link line, so their order is the target's own objects, baseline, avx2, avx512: any other, and a
# machine without AVX-512 would run AVX-512 code. That is why these are archives, whole and in order: CMake puts the
# objects of object libraries before the target's own. Keep kernels themselves inside `namespace TL_ISA`.
function(tallow_add_isa_sources target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "NO_CONTRACT" "" "")
  if(NOT arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "tallow_add_isa_sources(${target}): no files")
  endif()
  set(contract fast)
  if(arg_NO_CONTRACT)
    set(contract off)
  endif()
  get_target_property(calls ${target} TALLOW_ISA_CALLS)
  if(NOT calls)
    set(calls 0)
  endif()
  math(EXPR calls "${calls}+1")
  set(optimize -O3)
  if(TALLOW_SANITIZE)
    set(optimize -O1)  # -O3 with every access checked takes minutes a file
  endif()
  set_target_properties(${target} PROPERTIES TALLOW_ISA_CALLS ${calls})
  if("avx2" IN_LIST TALLOW_ISAS AND "avx512" IN_LIST TALLOW_ISAS AND calls EQUAL 1)
    target_compile_definitions(${target} PRIVATE TALLOW_WIDE_LOOPS)  # there is a choice to make at run time
  endif()
  foreach(isa IN LISTS TALLOW_ISAS)
    set(archive ${target}_${isa}_${calls})
    add_library(${archive} STATIC ${arg_UNPARSED_ARGUMENTS})
    tallow_target_defaults(${archive})
    target_include_directories(${archive} PRIVATE $<TARGET_PROPERTY:${target},INCLUDE_DIRECTORIES>)
    target_compile_definitions(${archive} PRIVATE
      TL_ISA=${isa} TL_ISA_LEVEL=${_tallow_level_${isa}} $<TARGET_PROPERTY:${target},COMPILE_DEFINITIONS>)
    target_compile_options(${archive} PRIVATE
      $<TARGET_PROPERTY:${target},COMPILE_OPTIONS>
      ${_tallow_flags_${isa}} ${optimize} -fno-math-errno -fno-trapping-math -ffp-contract=${contract})
    target_link_libraries(${archive} PRIVATE tallow::headers)
    set_property(TARGET ${target} APPEND PROPERTY TALLOW_ISA_ARCHIVES_${isa} ${archive})
  endforeach()
  if(calls EQUAL 1)
    cmake_language(EVAL CODE "cmake_language(DEFER CALL _tallow_link_isa_archives [[${target}]])")
  endif()
endfunction()

# Runs at the end of the folder, when every call is known.
function(_tallow_link_isa_archives target)
  set(files "")
  foreach(isa IN LISTS TALLOW_ISAS)
    get_target_property(archives ${target} TALLOW_ISA_ARCHIVES_${isa})
    foreach(archive IN LISTS archives)
      string(APPEND files ",$<TARGET_FILE:${archive}>")
      add_dependencies(${target} ${archive})
      set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS $<TARGET_FILE:${archive}>)
    endforeach()
  endforeach()
  target_link_libraries(${target} PRIVATE "-Wl,--whole-archive${files},--no-whole-archive")
endfunction()

# tallow_add_library(<name> SOURCES <files>... [ISA_SOURCES <files>...] [DESTINATION <folder in site-packages>]
#                    [EXPORTS <symbols>...])
#
# The library exports `tl_extension_init` and EXPORTS, and nothing else. Hidden visibility alone would leave templates
# of the C++ standard library visible, and another library's copy of one, compiled otherwise, could take its place.
function(tallow_add_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "DESTINATION" "SOURCES;ISA_SOURCES;EXPORTS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "tallow_add_library(${name}): unknown arguments ${arg_UNPARSED_ARGUMENTS}; "
      "it takes SOURCES, ISA_SOURCES, DESTINATION, EXPORTS")
  endif()
  add_library(${name} SHARED ${arg_SOURCES})
  tallow_target_defaults(${name})
  target_link_libraries(${name} PRIVATE tallow::headers)
  set(map "${CMAKE_CURRENT_BINARY_DIR}/${name}.map")
  list(JOIN arg_EXPORTS "; " exports)
  string(REGEX REPLACE "(.+)" "\\1; " exports "${exports}")
  file(CONFIGURE OUTPUT "${map}" CONTENT "{ global: tl_extension_init; ${exports}local: *; };\n")
  target_link_options(${name} PRIVATE "-Wl,--version-script=${map}")
  set_property(TARGET ${name} APPEND PROPERTY LINK_DEPENDS "${map}")
  if(arg_ISA_SOURCES)
    tallow_add_isa_sources(${name} ${arg_ISA_SOURCES})
  endif()
  if(arg_DESTINATION)
    install(TARGETS ${name} LIBRARY DESTINATION "${arg_DESTINATION}")
  endif()
endfunction()
