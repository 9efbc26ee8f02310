package supervise

import (
	"fmt"
	"math/rand/v2"
	"net"

	"semantic-router-operator/devcluster/internal/parts"
)

// Below what Linux hands out for outgoing connections, so that none of them takes a port before a part listens on it.
const (
	firstPort = 20000
	portCount = 10000
	mostTries = 200
)

// reservations keep ports for this process. A port is free until a part listens on it, so each is held by an abstract Unix socket that bears
// its number: it is of the same network namespace, it leaves no file, and it goes with the process.
type reservations []net.Listener

func (r *reservations) ports() (parts.Ports, error) {
	var found [4]int
	for i := range found {
		port, err := r.port()
		if err != nil {
			return parts.Ports{}, err
		}
		found[i] = port
	}
	return parts.Ports{EtcdClient: found[0], EtcdPeer: found[1], APIServer: found[2], Kwok: found[3]}, nil
}

func (r *reservations) port() (int, error) {
	for range mostTries {
		port := firstPort + rand.IntN(portCount)
		held, err := net.Listen("unix", fmt.Sprintf("@devcluster-port-%d", port))
		if err != nil {
			continue // another control plane's
		}
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			held.Close()
			continue
		}
		listener.Close()
		*r = append(*r, held)
		return port, nil
	}
	return 0, fmt.Errorf("found no free port of 127.0.0.1 from %d to %d", firstPort, firstPort+portCount-1)
}
