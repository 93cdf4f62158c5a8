//go:build linux && !pinwheel_portable && !mc

package netpoll

type epollSet = kernelSet

// guardRounds is how often the thread looks whether somebody polls while all sleep, before it sleeps too.
const guardRounds = 20
