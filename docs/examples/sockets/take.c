/* Connects to a unix stream socket, takes the open file that comes with a message, and copies it to standard output:
   gcc -o take take.c; ./take SOCKET */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int count, char **arguments) {
    if (count != 2) return 2;
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    strncpy(name.sun_path, arguments[1], sizeof name.sun_path - 1);
    int connection = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(connection, (struct sockaddr *)&name, sizeof name) != 0) return perror(arguments[1]), 1;

    char text[4096], control[CMSG_SPACE(sizeof(int))];
    struct iovec part = { text, sizeof text };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
    ssize_t length = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (length <= 0 || !head || head->cmsg_type != SCM_RIGHTS) return fprintf(stderr, "no open file came\n"), 1;
    int file;
    memcpy(&file, CMSG_DATA(head), sizeof file);

    printf("%.*s", (int)length, text);                      /* the message itself */
    fflush(stdout);
    while ((length = read(file, text, sizeof text)) > 0) write(STDOUT_FILENO, text, length);
    return 0;
}
