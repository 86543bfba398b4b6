/* boost_queue COUNT SIZE: boost::interprocess::message_queue, one writer, one reader. Messages a second. */
#include <boost/interprocess/ipc/message_queue.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace boost::interprocess;

int main(int argc, char **argv)
{
    if (argc < 3) return 1;
    long count = atol(argv[1]), size = atol(argv[2]);
    std::string name = "ipcps-bench-boost-" + std::to_string(getpid());
    message_queue::remove(name.c_str());
    {
        // About as much as the rings hold.
        message_queue queue(create_only, name.c_str(), 8192, size);
        std::vector<char> message(size);
        int done[2];
        if (pipe(done) != 0) return 1;
        if (fork() == 0) {
            message_queue mine(open_only, name.c_str());
            size_t got;
            unsigned priority;
            for (long i = 0; i < count; i++) mine.receive(message.data(), size, got, priority);
            _exit(write(done[1], "d", 1) == 1 ? 0 : 1);
        }
        auto start = std::chrono::steady_clock::now();
        for (long i = 0; i < count; i++) queue.send(message.data(), size, 0);
        char c;
        if (read(done[0], &c, 1) != 1) return 1;
        printf("%f\n", count / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        wait(nullptr);
    }
    message_queue::remove(name.c_str());
    return 0;
}
