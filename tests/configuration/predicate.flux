option task = {name: "to IOx", every: 5m}

migration = {
  start: 2021-06-01T00:00:00Z,
  stop: 2021-07-01T00:00:00Z,
  batchInterval: 1h,
  batchBucket: "migration",
  sourceBucket: "telegraf",
  destinationHost: "https://us-east-1-1.aws.cloud2.influxdata.com",
  destinationOrg: "new-org",
  destinationToken: "s3cr3t-Of-The-Task==",
  destinationBucket: "telegraf-iox",
}

data = () => from(bucket: migration.sourceBucket)
  |> range(start: batch.start, stop: batch.stop)
  |> filter(fn: (r) => r.host == "a" // the first one
      and r._value  >  1.5 and
      r.path =~ /^\/var\/"x"/ and contains(value: r.cpu, set: ["cpu0", "cpu1"]))

data()
  |> to(
    host: migration.destinationHost,
    org: migration.destinationOrg,
    token: migration.destinationToken,
    bucket: migration.destinationBucket,
  )
