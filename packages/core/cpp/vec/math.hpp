// Elementary functions for vector loops: see common.hpp for how they are to be compiled.
#pragma once
#include "block.hpp"
#include "common.hpp"
#include "erf.hpp"
#include "exp.hpp"
#include "hyperbolic.hpp"
#include "inverse_trig.hpp"
#include "log.hpp"
#include "pow.hpp"
#include "round.hpp"
#include "special.hpp"
#include "trig.hpp"
