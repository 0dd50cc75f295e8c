// Package host runs the parts of a mesh in one process: a broker with its controller
// and the authority that lets people in, a controller beside somebody else's servers,
// an agent. It connects packages that do not know each other, as `netmon up`,
// `broker`, `agent` and `controller` need them. Messages for people go to a writer
// that it is given; what it starts has ended when it returns.
package host
