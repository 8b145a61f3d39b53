package service

import "time"

// JobOptions is how a job wants to be worked. A Job tells them through a method
// JobOptions() JobOptions; the zero value, and a Job without the method, take
// the defaults.
type JobOptions struct {
	Queue       string        // which workers take it; "" is the default queue
	Priority    int           // 1 (first) to 4; 0 is 1
	MaxAttempts int           // 0 is 25, spread over about three weeks
	Delay       time.Duration // how long it waits first
}
