// Measures negentropy's C++ library on the sets of `fieldsync-bench reconcile`: built and run by compare-negentropy.
//
//   compare-negentropy SEED ENTRIES DIFFERENCES scattered|recent
//
// Prints "BYTES MESSAGES SECONDS": both ways, one way, and CPU of both sides together. The sets are sorted before the
// clock starts, and ids that the client needs are known but not yet asked for.

#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <cstdio>
#include <string>
#include <vector>

#include "negentropy.h"
#include "negentropy/storage/Vector.h"

namespace {

// SplitMix64, as FieldTesting's SeededRandom.
struct Random {
    uint64_t state;

    uint64_t next() {
        state += 0x9E3779B97F4A7C15;
        uint64_t value = state;
        value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9;
        value = (value ^ value >> 27) * 0x94D049BB133111EB;
        return value ^ value >> 31;
    }

    std::string id() {
        std::string bytes;
        for (int word = 0; word < 4; word++) {
            uint64_t value = next();
            for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(char(value >> shift));
        }
        return bytes;
    }
};

double now() {
    timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

}  // namespace

int main(int count, char **arguments) {
    if (count != 5) return 64;
    Random random{strtoull(arguments[1], nullptr, 10)};
    const uint64_t entries = strtoull(arguments[2], nullptr, 10), differences = strtoull(arguments[3], nullptr, 10);
    const bool recent = std::string(arguments[4]) == "recent";
    const uint64_t own = (differences + 1) / 2, others = differences / 2;
    const uint64_t shared = entries > own ? entries - own : 0;

    negentropy::storage::Vector client, server;
    for (uint64_t i = 0; i < shared + own + others; i++) {
        const std::string id = random.id();
        const uint64_t time = recent ? i : 0;
        if (i < shared + own) client.insert(time, id);
        if (i < shared || i >= shared + own) server.insert(time, id);
    }
    client.seal();
    server.seal();

    negentropy::Negentropy<negentropy::storage::Vector> first(client, 0), second(server, 0);
    std::vector<std::string> have, need;
    const double start = now();
    uint64_t bytes = 0, messages = 0;
    std::string message = first.initiate();
    for (;;) {
        std::string answer = second.reconcile(message);
        bytes += message.size() + answer.size();
        messages += 2;
        auto next = first.reconcile(answer, have, need);
        if (!next) break;
        message = *next;
    }
    const double seconds = now() - start;
    if (have.size() != own || need.size() != others) {
        fprintf(stderr, "found %zu and %zu\n", have.size(), need.size());
        return 1;
    }
    printf("%llu %llu %.6f\n", (unsigned long long)bytes, (unsigned long long)messages, seconds);
}
