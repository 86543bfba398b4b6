namespace IpcPs.Tests.Signals;

/// <summary>C programs that send and receive.</summary>
internal static class SignalPeers
{
    /// <summary>flood PID SIGNAL COUNT: sigqueue with 0, 1, 2, …; waits if the receiver is behind.</summary>
    public const string Flood = """
        #include <errno.h>
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <unistd.h>
        int main(int argc, char **argv) {
            pid_t to = atoi(argv[1]); int sig = atoi(argv[2]), n = atoi(argv[3]); long refused = 0;
            for (int i = 0; i < n;) {
                union sigval v = { 0 };
                v.sival_int = i;
                if (sigqueue(to, sig, v) == 0) i++;
                else if (errno == EAGAIN) { refused++; usleep(100); }
                else { perror("sigqueue"); return 1; }
            }
            printf("%ld\n", refused);
            return 0;
        }
        """;

    /// <summary>kills PID SIGNAL COUNT: kill(2), COUNT times.</summary>
    public const string Kills = """
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        int main(int argc, char **argv) {
            for (int i = 0; i < atoi(argv[3]); i++) if (kill(atoi(argv[1]), atoi(argv[2]))) { perror("kill"); return 1; }
            return 0;
        }
        """;

    /// <summary>receive SIGNAL COUNT: blocks the signal, prints "ready PID", and then what sigwaitinfo returns.</summary>
    public const string Receive = """
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <unistd.h>
        int main(int argc, char **argv) {
            sigset_t set; siginfo_t si;
            sigemptyset(&set); sigaddset(&set, atoi(argv[1])); sigprocmask(SIG_BLOCK, &set, 0);
            printf("ready %d\n", getpid()); fflush(stdout);
            for (int i = 0; i < atoi(argv[2]); i++) {
                while (sigwaitinfo(&set, &si) < 0) { } /* it was stopped and continues */
                int queued = si.si_code == SI_QUEUE;
                printf("%d code %d pid %d uid %d int %d ptr %lx\n", si.si_signo, si.si_code, si.si_pid, si.si_uid,
                    queued ? si.si_value.sival_int : 0, queued ? (unsigned long)si.si_value.sival_ptr : 0UL);
                fflush(stdout);
            }
            return 0;
        }
        """;

    /// <summary>pointer PID SIGNAL HEX: one sigqueue, with all 64 bits.</summary>
    public const string Pointer = """
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        int main(int argc, char **argv) {
            union sigval v; v.sival_ptr = (void *)strtoul(argv[3], 0, 16);
            if (sigqueue(atoi(argv[1]), atoi(argv[2]), v)) { perror("sigqueue"); return 1; }
            return 0;
        }
        """;
}
