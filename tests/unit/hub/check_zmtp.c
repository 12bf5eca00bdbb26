/* Frames of a ZMTP connection: where they begin, however its bytes are cut into pieces; what is no such connection. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "zmtp.h"

static const uint8_t greeting[ZMTP_GREETING] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'C', 'U', 'R', 'V', 'E'};

/* Feeds in pieces of at most that size; the sizes of the frames are summed, -1: bad. */
static long feed(const uint8_t *bytes, size_t size, size_t piece, unsigned *frames)
{
    zmtp stream;
    long sum = 0;
    zmtp_init(&stream);
    for (size_t at = 0; at < size;) {
        size_t taken = 0;
        uint64_t frame = 0;
        zmtp_step step = zmtp_take(&stream, bytes + at, size - at < piece ? size - at : piece, &taken, &frame);
        if (step == ZMTP_BAD)
            return -1;
        ck_assert(taken > 0 && taken <= piece);
        if (step == ZMTP_FRAME)
            sum += (long)frame;
        at += taken;
    }
    *frames = (unsigned)stream.frames;
    return sum;
}

START_TEST(frames_are_found_in_any_pieces)
{
    uint8_t bytes[2000] = {0};
    size_t size = sizeof greeting;
    unsigned frames;
    memcpy(bytes, greeting, sizeof greeting);
    bytes[size] = 4; /* a command of 200 bytes */
    bytes[size + 1] = 200;
    size += 202;
    bytes[size] = 2; /* a message of 1,000 */
    bytes[size + 7] = 1000 >> 8;
    bytes[size + 8] = 1000 & 255;
    size += 1009;
    size += 2; /* an empty one */
    bytes[size + 1] = 3;
    size += 5;
    for (size_t piece = 1; piece <= size; piece += piece < 30 ? 1 : 97) {
        ck_assert_int_eq(feed(bytes, size, piece, &frames), 1203);
        ck_assert_uint_eq(frames, 4);
    }
}
END_TEST

START_TEST(what_is_no_curve_is_bad)
{
    static const struct { unsigned at; uint8_t byte; } wrong[] = {{0, 'G'}, {9, 0}, {10, 1}, {10, 2}, {12, 'N'}, {17, 'x'}, {31, 1}};
    uint8_t bytes[ZMTP_GREETING + 2];
    unsigned frames;
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        memcpy(bytes, greeting, sizeof greeting);
        bytes[wrong[i].at] = wrong[i].byte;
        ck_assert_int_eq(feed(bytes, sizeof greeting, 7, &frames), -1);
    }
    memcpy(bytes, greeting, sizeof greeting);
    bytes[ZMTP_GREETING] = 8; /* a flag that there is not */
    bytes[ZMTP_GREETING + 1] = 0;
    ck_assert_int_eq(feed(bytes, sizeof bytes, 7, &frames), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("zmtp");
    TCase *all = tcase_create("all");
    tcase_add_test(all, frames_are_found_in_any_pieces);
    tcase_add_test(all, what_is_no_curve_is_bad);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
