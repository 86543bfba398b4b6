/*
 * Connects to a Unix stream socket, receives a message that carries an open file (SCM_RIGHTS), and prints the message and the file.
 *
 *     gcc -o take take.c
 *     ./take SOCKET
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (argc != 2 || strlen(argv[1]) >= sizeof address.sun_path) {
        fprintf(stderr, "usage: take SOCKET\n");
        return 2;
    }
    strcpy(address.sun_path, argv[1]);
    int connection = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof address) != 0) {
        perror(argv[1]);
        return 1;
    }

    char text[4096];
    union {
        struct cmsghdr header; /* for its alignment */
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {text, sizeof text};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t length = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
    if (length < 0) {
        perror("recvmsg");
        return 1;
    }
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
        fprintf(stderr, "The message carries no open file.\n");
        return 1;
    }
    int file;
    memcpy(&file, CMSG_DATA(header), sizeof file);

    fwrite(text, 1, length, stdout);
    while ((length = read(file, text, sizeof text)) > 0) fwrite(text, 1, length, stdout);
    close(file);
    close(connection);
    return fflush(stdout) == 0 && length == 0 ? 0 : 1;
}
