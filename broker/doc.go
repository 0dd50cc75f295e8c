// Package broker runs the NATS server in the middle of the mesh, inside this process,
// and creates the streams and buckets that the mesh keeps there.
//
// [Start] starts a server with JetStream on a folder of its own, which no other broker
// may use at the same time. [Broker.Run] keeps it running, also through a full disk.
// [Provision] makes the streams and buckets of package wire on any NATS server, ours
// or not.
//
// The package knows nothing of agents, consoles or monitors: it provides addresses and
// connections, and everything else travels over NATS.
package broker
