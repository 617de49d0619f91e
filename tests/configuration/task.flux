import "array"
import "date"
import "experimental"
import "influxdata/influxdb/secrets"

option task = {name: "to IOx", every: 5m}

migration = {
  sourceBucket: "telegraf",
  start: 2021-06-01T00:00:00Z,
  stop: 2021-07-01T00:00:00Z,
  batchInterval: 1h,
  batchBucket: "migration",
  destinationHost: "https://us-east-1-1.aws.cloud2.influxdata.com",
  destinationOrg: "new-org",
  destinationToken: secrets.get(key: "SERVERLESS_TOKEN"),
  destinationBucket: "telegraf-iox",
}

batchRange = () => {
  last = (from(bucket: migration.batchBucket)
    |> range(start: migration.start)
    |> filter(fn: (r) => r._field == "batch_stop")
    |> filter(fn: (r) => r.dstOrg == migration.destinationOrg)
    |> filter(fn: (r) => r.dstBucket == migration.destinationBucket)
    |> last()
    |> findRecord(fn: (key) => true, idx: 0))._value
  start = if exists last then time(v: last) else migration.start

  return {start: start, stop: date.add(d: migration.batchInterval, to: start)}
}

batch = batchRange()

over = if batch.start >= migration.stop then die(msg: "nothing is left") else "on its way"

data = () => from(bucket: migration.sourceBucket)
  |> range(start: batch.start, stop: batch.stop)

rowCount = data() |> count() |> group(columns: ["_start", "_stop"]) |> sum()

nothing = array.from(rows: [{_start: batch.start, _stop: batch.stop, _value: 0}])

metadata = () => {
  counted = if exists (rowCount |> findRecord(fn: (key) => true, idx: 0))._value then
    rowCount
  else
    nothing

  return counted
    |> map(fn: (r) => ({
      _time: now(),
      _measurement: "batches",
      srcBucket: migration.sourceBucket,
      dstOrg: migration.destinationOrg,
      dstBucket: migration.destinationBucket,
      batch_start: string(v: batch.start),
      batch_stop: string(v: batch.stop),
      rows: r._value,
      percent_complete: float(v: int(v: r._stop) - int(v: migration.start))
        / float(v: int(v: migration.stop) - int(v: migration.start)) * 100.0,
    }))
    |> group(columns: ["_measurement", "dstOrg", "srcBucket", "dstBucket"])
}

data()
  |> to(
    host: migration.destinationHost,
    org: migration.destinationOrg,
    token: migration.destinationToken,
    bucket: migration.destinationBucket,
  )

metadata() |> experimental.to(bucket: migration.batchBucket)
