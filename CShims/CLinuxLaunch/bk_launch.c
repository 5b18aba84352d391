#include "bk_launch.h"
