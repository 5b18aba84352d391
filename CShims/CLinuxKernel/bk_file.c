#include "bk_file.h"
