// Elementary functions for vector loops: see common.hpp for how they are to be compiled.
#pragma once
#include "common.hpp"
#include "erf.hpp"
#include "exp.hpp"
#include "log.hpp"
#include "pow.hpp"
#include "trig.hpp"
