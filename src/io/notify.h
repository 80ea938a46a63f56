/*
 * notify: telling the service manager how far a program is: systemd's
 * protocol, which postern-init speaks too.
 *
 * Source: sd_notify(3).
 */
#ifndef POSTERN_IO_NOTIFY_H
#define POSTERN_IO_NOTIFY_H

/*
 * Sends 'state', such as "READY=1", to the socket that NOTIFY_SOCKET names.
 * Without one it does nothing; that nobody listens is the manager's affair, and
 * no failure of ours.
 */
void notify_send(const char *state);

#endif
