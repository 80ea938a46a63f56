/* What manifest_launch_read() takes is within its bounds; what it refuses it
 * explains. */
#include <stdlib.h>
#include <string.h>

#include "manifest/launch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[MANIFEST_ERROR_MAX] = "";
	struct manifest_launch l;

	if (manifest_launch_read(&l, span_of(data, size), error)) {
		require(error[0] && memchr(error, '\0', sizeof(error)));
		return 0;
	}
	require(l.image_count <= MANIFEST_IMAGES_MAX);
	require(l.lists_images || l.image_count == 0);
	require(!l.trust || l.trust[0]);
	for (size_t i = 0; i < l.image_count; i++) {
		const char *name = l.images[i].name;

		require(memchr(name, '\0', sizeof(l.images[i].name)) && strchr(name, ':'));
		for (size_t j = 0; j < i; j++)
			require(strcmp(name, l.images[j].name) != 0);
	}
	manifest_launch_fini(&l);
	return 0;
}
