// Package access is a broker's registry of identities: who may connect, with which
// key, and what each may do. It uses NATS's own operator mode: an operator signs
// accounts, a signing key for each role signs users, and each role's permissions are a
// template that the server fills with the user's name.
//
// There are three accounts. MESH holds the agents, the streams and the controller;
// CONSOLES the people and their programs; JOIN those who hold nothing but a token.
// What CONSOLES may ask of MESH is a list of imports, and with each request the server
// says who asked: authors come from the server, not from the client.
//
// docs/security.md shows the matrix of roles and subjects.
package access
