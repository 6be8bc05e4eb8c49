/* Presses Ctrl-C in the console of another process: ctrl_c PROCESS_ID
 *
 * Windows sends Ctrl-C to all processes of a console, and only from a process of this console. So
 * this program leaves its own console for that of the other process, which should have no further
 * processes. */
#include <stdlib.h>
#include <windows.h>

int main(int count, char **arguments)
{
    if (count != 2)
        return 2;
    FreeConsole();
    if (!AttachConsole(strtoul(arguments[1], NULL, 10)))
        return 1;
    /* The process itself stays alive. */
    SetConsoleCtrlHandler(NULL, TRUE);
    return GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0) ? 0 : 1;
}
