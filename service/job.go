package service

// JobOptions is how a job wants to be worked. A Job tells them through a method
// JobOptions() JobOptions; the zero value, and a Job without the method, take
// the defaults.
type JobOptions struct {
	Queue       string // which workers take it; "" is the default queue
	MaxAttempts int    // 0 is 25, spread over about three weeks
}
