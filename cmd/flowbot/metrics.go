package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"flowbot/cron"
	"flowbot/db"
	"flowbot/service"
)

// metrics are what /metrics shows. Labels are kinds and states, never people.
type metrics struct {
	registry *prometheus.Registry
	updates  *prometheus.CounterVec
	notices  *prometheus.CounterVec
	answers  prometheus.Histogram
	jobs     *prometheus.CounterVec
	jobTimes *prometheus.HistogramVec
}

func newMetrics(d *db.DB) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		updates: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "flowbot_updates_total", Help: "Updates worked, by outcome: done, later (to be tried again), set_aside.",
		}, []string{"outcome"}),
		notices: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "flowbot_notices_total", Help: "Messages about what happened, by what became of them: sent, skipped, unknown, failed, later (to be tried again).",
		}, []string{"state"}),
		answers: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "flowbot_answer_seconds", Help: "From a stored update to its answer.",
			Buckets: []float64{.005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30, 60},
		}),
		jobs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "flowbot_jobs_total", Help: "Runs of jobs, by kind and outcome: done, failed.",
		}, []string{"kind", "outcome"}),
		jobTimes: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "flowbot_job_seconds", Help: "How long runs of jobs take, by kind.",
			Buckets: []float64{.01, .05, .1, .5, 1, 5, 10, 30, 60, 300},
		}, []string{"kind"}),
	}
	m.registry.MustRegister(
		m.updates, m.notices, m.answers, m.jobs, m.jobTimes, &depths{db: d},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// jobDone counts a run of a job.
func (m *metrics) jobDone(d cron.JobDone) {
	outcome := "done"
	if d.Failed {
		outcome = "failed"
	}
	m.jobs.WithLabelValues(d.Kind, outcome).Inc()
	m.jobTimes.WithLabelValues(d.Kind).Observe(d.Took.Seconds())
}

// countedInbox counts what becomes of updates.
type countedInbox struct {
	service.Inbox
	m *metrics
}

// UpdateWorked implements service.Inbox.
func (c countedInbox) UpdateWorked(ctx context.Context, u service.Update) error {
	err := c.Inbox.UpdateWorked(ctx, u)
	if err == nil {
		c.m.updates.WithLabelValues("done").Inc()
		c.m.answers.Observe(time.Since(u.ReceivedAt).Seconds())
	}
	return err
}

// UpdateLater implements service.Inbox.
func (c countedInbox) UpdateLater(ctx context.Context, u service.Update, wait time.Duration, why string) error {
	err := c.Inbox.UpdateLater(ctx, u, wait, why)
	if err == nil {
		c.m.updates.WithLabelValues("later").Inc()
	}
	return err
}

// UpdateAside implements service.Inbox.
func (c countedInbox) UpdateAside(ctx context.Context, u service.Update, why string) error {
	err := c.Inbox.UpdateAside(ctx, u, why)
	if err == nil {
		c.m.updates.WithLabelValues("set_aside").Inc()
	}
	return err
}

// countedOutbox counts what becomes of notices.
type countedOutbox struct {
	service.Outbox
	m *metrics
}

// NoticesEnd implements service.Outbox.
func (c countedOutbox) NoticesEnd(ctx context.Context, b service.NoticeBatch, to service.NoticeState, now time.Time, messageID int64, why string) error {
	err := c.Outbox.NoticesEnd(ctx, b, to, now, messageID, why)
	if err == nil {
		c.m.notices.WithLabelValues(string(to)).Inc()
	}
	return err
}

// NoticesLater implements service.Outbox.
func (c countedOutbox) NoticesLater(ctx context.Context, b service.NoticeBatch, at time.Time, why string, counted bool) error {
	err := c.Outbox.NoticesLater(ctx, b, at, why, counted)
	if err == nil {
		c.m.notices.WithLabelValues("later").Inc()
	}
	return err
}

// depths shows how much waits in the inbox, the outbox and the job queue,
// counted when it is asked for.
type depths struct{ db *db.DB }

var depthDesc = prometheus.NewDesc("flowbot_queue_depth",
	"What waits or lies aside, by queue (updates, notices, jobs) and state; counted up to 100,000.", []string{"queue", "state"}, nil)

// Describe implements prometheus.Collector.
func (d *depths) Describe(ch chan<- *prometheus.Desc) { ch <- depthDesc }

// Collect implements prometheus.Collector.
func (d *depths) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	all, err := d.db.Depths(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(depthDesc, err)
		return
	}
	for _, q := range all {
		ch <- prometheus.MustNewConstMetric(depthDesc, prometheus.GaugeValue, float64(q.Count), q.Queue, q.State)
	}
}
