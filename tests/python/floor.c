/* Opens, reads and closes the METADATA of every .dist-info in a directory, and does nothing else: the least that a
   check can cost. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static char buffer[65536], path[4096];
	unsigned long bytes = 0, files = 0;
	struct dirent *entry;
	DIR *directory = argc == 2 ? opendir(argv[1]) : NULL;

	if (directory == NULL) {
		fprintf(stderr, "usage: floor SITE_PACKAGES\n");
		return 2;
	}
	while ((entry = readdir(directory)) != NULL) {
		size_t length = strlen(entry->d_name);
		ssize_t got;
		int file;

		if (length < 10 || strcmp(entry->d_name + length - 10, ".dist-info") != 0)
			continue;
		snprintf(path, sizeof path, "%s/METADATA", entry->d_name);
		file = openat(dirfd(directory), path, O_RDONLY);
		if (file < 0)
			continue;
		while ((got = read(file, buffer, sizeof buffer)) > 0) {
			bytes += (unsigned long)got;
			if (got < (ssize_t)sizeof buffer)
				break;
		}
		close(file);
		files++;
	}
	printf("%lu files, %lu bytes\n", files, bytes);
	return 0;
}
