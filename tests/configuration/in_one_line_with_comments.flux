// a task
migration={destinationToken:secrets.get(key:"apiv3_lower"),destinationBucket:"d \x41b",//x: {
start:2021-06-01T00:00:00Z,stop:2021-07-01T00:00:00Z,batchInterval:1h30m,batchBucket:"m",sourceBucket:"s//s",destinationHost:"http://127.0.0.1:8181/",destinationOrg:"o\"é"}
io=5/migration.x/2
data=()=>from(bucket:migration.sourceBucket)|>range(stop:batch.stop,start:batch.start)
data()|>to(bucket:migration.destinationBucket,token:"s3cr3t-Of-The-Task==",org:migration.destinationOrg,host:migration.destinationHost)