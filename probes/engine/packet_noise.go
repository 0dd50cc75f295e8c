package engine

import (
	"time"
)

// Who floods a socket that many runs share costs the others their replies: the
// socket has room for some thousand packets, and is read every few milliseconds.
const (
	// NoiseMost is how many packets that end no run somebody may send to one
	// socket within NoiseWindow. A target that sends each reply twice, of a
	// thousand in a second, stays below.
	NoiseMost   = 2048
	NoiseWindow = time.Second
	// noiseTotal is the same for all senders together.
	noiseTotal = 4 * NoiseMost
	// noisyFor is how long runs with a target that floods get sockets of their own.
	noisyFor = 10 * time.Minute
	// NoisyMost bounds the addresses that are known as such.
	NoisyMost = 256
	// MutedMost bounds the addresses that one socket does not hear.
	MutedMost = 8
)
