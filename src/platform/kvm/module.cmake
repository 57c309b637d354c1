# Linux on x86_64.
if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
    set(VMACCEL_PLATFORM_BUILT ON)
    set(VMACCEL_PLATFORM_SOURCES
        platform.c probe.c vm.c memory.c vcpu.c run.c complete.c kick.c
        x86_regs.c x86_routes.c x86_events.c x86_irq.c x86_cpuid.c x86_msr.c x86_state.c x86_irqchip.c x86_debug.c x86_out.c)
endif()
