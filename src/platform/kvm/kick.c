/* SPDX-License-Identifier: BSD-2-Clause */
/* Kick: immediate_exit in the run page makes the next KVM_RUN return, a signal ends the one under
 * way. */
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kvm.h"

/* Real-time signals below SIGRTMIN + 1 are the thread library's. */
#define KICK_SIGNAL (SIGRTMIN + 1)

static void ignore(int number)
{
    (void)number;
}

/* The signal only has to interrupt KVM_RUN, which returns EINTR under SA_RESTART too; the process's
 * other calls are restarted. A handler the process already has serves as well. */
vmaccel_status kvm_kick_install(void)
{
    struct sigaction action;
    if (sigaction(KICK_SIGNAL, NULL, &action) < 0)
        return kvm_fail("vcpu", "sigaction");
    if ((action.sa_flags & SA_SIGINFO) != 0 ||
        (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN))
        return VMACCEL_OK;
    memset(&action, 0, sizeof action);
    action.sa_handler = ignore;
    action.sa_flags = SA_RESTART;
    return sigaction(KICK_SIGNAL, &action, NULL) < 0 ? kvm_fail("vcpu", "sigaction") : VMACCEL_OK;
}

vmaccel_status kvm_kick_unblock(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, KICK_SIGNAL);
    errno = pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    return errno != 0 ? kvm_fail("vcpu", "pthread_sigmask") : VMACCEL_OK;
}

/* The flag shares its byte with the kernel, which reads it at entry. */
static void set_immediate_exit(struct kvm_run *run, uint8_t value)
{
    __atomic_store_n(&run->immediate_exit, value, __ATOMIC_SEQ_CST);
}

void kvm_vcpu_kick(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    set_immediate_exit(k->run, 1);
    if (atomic_load(&vcpu->running) != 0) {
        int saved = errno;
        syscall(SYS_tgkill, getpid(), k->tid, KICK_SIGNAL);
        errno = saved;
    }
}

void kvm_kick_rearm(vmaccel_vcpu *vcpu)
{
    set_immediate_exit(kvm_vcpu(vcpu)->run, 0);
    /* A kicker sets kick first: if this store hid its flag, its kick is visible here. */
    if (atomic_load(&vcpu->kick) != 0)
        set_immediate_exit(kvm_vcpu(vcpu)->run, 1);
}
