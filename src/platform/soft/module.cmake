# On every host: the CPU and the interrupt controllers are the library's own.
set(VMACCEL_PLATFORM_BUILT ON)
set(VMACCEL_PLATFORM_SOURCES
    platform.c caps.c vm.c memory.c device.c vcpu.c startup.c run.c complete.c
    x86_regs.c x86_cpuid.c x86_msr.c x86_state.c x86_irq.c x86_debug.c)
