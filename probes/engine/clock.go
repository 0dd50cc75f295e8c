package engine

// What timed a latency.
const (
	ClockKernel  = "kernel"   // timestamps that the kernel took with the packets
	ClockTCPInfo = "tcp_info" // the kernel's own measurement of the connection
	ClockUser    = "user"     // a clock read in this process
)
