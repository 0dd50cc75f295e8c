// Package broker runs the NATS server that is the middle of the mesh, inside
// this process, and lays out what the mesh keeps there.
//
// [Start] gives a server with JetStream on a folder of its own, which no other
// broker may use at the same time. [Broker.Run] keeps it going, also through a
// full disk. [Provision] makes the streams and the bucket of package wire on
// any NATS server, ours or not.
//
// The package knows nothing of agents, consoles or monitors: it hands out
// addresses and connections, and everything else travels over NATS.
package broker
