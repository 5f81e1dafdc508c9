#pragma once

#include <malloc.h>  // mallopt(3), which Swift's Glibc leaves out
