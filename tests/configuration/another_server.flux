migration = {
  start: 2021-06-01T00:00:00Z,
  stop: 2021-07-01T00:00:00Z,
  batchInterval: 1h,
  batchBucket: "migration",
  sourceBucket: "telegraf",
  destinationHost: "https://cluster-id.a.influxdb.io",
  destinationOrg: "new-org",
  destinationToken: "s3cr3t-Of-The-Task==",
  destinationBucket: "telegraf-iox",
}

data = () => from(bucket: migration.sourceBucket)
  |> range(start: batch.start, stop: batch.stop)

data()
  |> to(
    host: migration.destinationHost,
    org: migration.destinationOrg,
    token: migration.destinationToken,
    bucket: migration.destinationBucket,
  )
