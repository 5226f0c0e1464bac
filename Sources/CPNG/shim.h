#include <png.h>
#include <string.h>

// Macros with casts do not import.
static inline void CPNG_image_init(png_image *image) {
  memset(image, 0, sizeof *image);
  image->version = PNG_IMAGE_VERSION;
}
static const unsigned int CPNG_FORMAT_GRAY = PNG_FORMAT_GRAY;
