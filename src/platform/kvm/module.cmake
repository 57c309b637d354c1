# Linux on x86_64 and AArch64.
set(kvm_common
    error.c probe.c vm.c memory.c vcpu.c run.c complete.c kick.c)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
    set(VMACCEL_PLATFORM_BUILT ON)
    set(VMACCEL_PLATFORM_SOURCES ${kvm_common}
        x86_platform.c x86_probe.c x86_vm.c x86_vcpu.c x86_exits.c x86_prepare.c x86_regs.c
        x86_routes.c x86_events.c x86_irq.c x86_cpuid.c x86_msr.c x86_state.c x86_irqchip.c
        x86_debug.c x86_out.c)
elseif(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    set(VMACCEL_PLATFORM_BUILT ON)
    set(VMACCEL_PLATFORM_SOURCES ${kvm_common}
        arm64_platform.c arm64_probe.c arm64_vm.c arm64_vcpu.c arm64_exits.c arm64_prepare.c
        arm64_regs.c arm64_sysregs.c arm64_state.c arm64_debug.c arm64_gic.c arm64_gic_regs.c)
endif()
