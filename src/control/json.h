/* Moved: include "base/json.h". */
#pragma once

#include "base/json.h"
