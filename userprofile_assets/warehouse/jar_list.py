"""Which jars Spark gets for a scheme of object storage, each with its version and its SHA-256.

Belongs here: the lists, as data. Does not belong here: getting them (`jars.py`).

Made for the Hadoop that Spark 4.2 and 4.3 bring: `hadoop-aws` works only with the Hadoop of its own
version. Left out is what Spark has itself, in versions of its own: netty, httpclient and httpcore,
commons-codec, commons-logging, slf4j.

s3a: 37 jars, 13 MB. `--packages org.apache.hadoop:hadoop-aws` would fetch one of 686 MB that holds
the clients of every service of Amazon. Of its SDK these are s3, s3-transfer-manager, sts,
apache-client, url-connection-client, and what they need. S3A loads analyticsaccelerator-s3 even
when it is not used.

oss: 17 jars, 3 MB. Hadoop's own client of Alibaba OSS (`hadoop-aliyun`).
"""

from __future__ import annotations

from dataclasses import dataclass

HADOOP = "3.5.0"
"""The Hadoop that the lists are for."""


@dataclass(frozen=True)
class Jar:
    """A jar of a Maven repository: where it is there, and the SHA-256 of its bytes in hex."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The name of its file, in the repository and here."""
        return f"{self.artifact}-{self.version}.jar"

    @property
    def coordinates(self) -> str:
        """`group:artifact:version`."""
        return f"{self.group}:{self.artifact}:{self.version}"


def _jars(text: str) -> tuple[Jar, ...]:
    """Read a list: a line with group and version, then a line for each artifact and its digest."""
    jars = []
    group = version = ""
    for line in text.strip().splitlines():
        first, second = line.split()
        if line.startswith(" "):
            jars.append(Jar(group, first, version, second))
        else:
            group, version = first, second
    return tuple(jars)


_S3A = """
org.apache.hadoop 3.5.0
  hadoop-aws 66bd9eefb938b1a1657487324b63c13df2d8b17164a1dd24e0ef37b905bc5baa
org.reactivestreams 1.0.4
  reactive-streams f75ca597789b3dac58f61857b9ac2e1034a68fa672db35055a8fb4509e325f28
software.amazon.awssdk 2.35.4
  annotations 6f36bd87155d1dd85d6efbdd29e532e3759a022211feb71affebee1aa34f04b8
  apache-client 6eade21b482724ed0a4613eaa95d20e47e7a81304bd28538ac427fece94a7740
  arns c63cc29f76a8527e9e10b621703163df541dc5cb315508dc2898518602c75380
  auth 6b601323004833fb4a857ffc95db4795e0e6320eb93e64b1246c655c9ff04994
  aws-core fdb5fc8f1a48d97fa7d04d3460fb42f6973c7b1bbe1b9d317871ef0162bcb623
  aws-query-protocol 9b4cf9b78977cc9f5b4ceae9c435dedbde6a055a0f8d9e053eaca945715e2a9f
  aws-xml-protocol 4f59176da2522c357b1993e4a890fde529f12f365795ef86269bde4a3984cd0d
  checksums 94464af4374d08ecf33ca06ed4d03e1615529e547726e26b56abacefbeee7948
  checksums-spi 88b5af85ac2d3c862be8856be4e683ab31932e4a5a3c1c45af864d2671ac7cec
  crt-core 2c6aaa17bf9ccbb9d962dded4351e73decb197e3c5519970e0dae17e05d3df62
  endpoints-spi ef02441bda916959b8341290b49c68cc35538e1ad6f8629b75d8334dc6653e00
  http-auth 3ec933a06e751a05e195eb3589209e23c44e1897263b6fcae34ef4cc63cd4491
  http-auth-aws c4acb92fdec90bfd9b67bfab8e41b69cd152c03cacc10281a8ab464791856e01
  http-auth-aws-eventstream 709107552f302be3fa9e05969a3779f5c0f07fb809e6fa1fa571a6f0c61326dd
  http-auth-spi 4495463406bb98eb136f2c3f3604ed5f08ec9974ebc3f34f2121b20679f61d5c
  http-client-spi 728be89b2a07b595edb0adee3a2cbbbdd4cb1f4caddde0d08c3979fe2620dedb
  identity-spi 188d73db7d4e2361654bc3c5a1b3eaeb445d0500fb012cc46c5d67975adf97bf
  json-utils 80d67a6bb3e7eb49c7d4b6e4ba4c1463ed7da0192b795158328602dc131c5ecc
  metrics-spi c2a4ee90a21081317e2e6eba0c414d05d3d518aed2f86b1c1710a7367b450487
  netty-nio-client b82f8b33e5c85273a47da45ede884d7ccb31c9c2f69e6910a76c5c48fa1275dc
  profiles 0f4ef7ca72ccd80dd49ebeaf7f3ce60a7d7a00da59a91aeeae6e91052bbacbd8
  protocol-core f2532eca6ba2142fe4821d5decb03c83a3e15dc8bfae2240e7f2efa75f9868b5
  regions 77eae87b34ce96ecdf916a9bc06684dbeafcb6d38ef0513285fa5d5d6d41f5ca
  retries f99fb2f8c66d7e859955b3542d3af8f9de8f23a21d5e3250f0f2c5f18487e469
  retries-spi 668638751d059c527ddd41ffa4dcebe36a7c14860ed56776df09b861c14dc7dd
  s3 f23532c5223be9b0bfec0d72837ed09ed34dbdf8022818ba145b20076a78b4bc
  s3-transfer-manager 0eec78870b3d0abc509a847072cf963cb2ae6e360dc6161a9449b3398c470476
  sdk-core fa559a4ce598852f3519c8f3b36250f583b0858a7611eedc4a81997778c617f4
  sts 8d0f7816d3f96e3f00249f5d054d926e939a104bcf9ef57676ee0b16c59684d2
  third-party-jackson-core 32f4252c6c2df8f3a4aff885e6dc77024ad6b4cb48455d07b461ec30c41643ea
  url-connection-client 6805e4bd2134e9897e392edcc39558f418a9641ee85c15e0950867984b34d67f
  utils 642aeef536a071668f0b772f05f9d21573abf6955e7b6fb5fdb893760cca10e8
  utils-lite e004806def5e22ec98edc48a133ff3317166255e1ba29d93d129e9fdfa64a7be
software.amazon.eventstream 1.0.1
  eventstream 0c37d8e696117f02c302191b8110b0d0eb20fa412fce34c3a269ec73c16ce822
software.amazon.s3.analyticsaccelerator 1.3.1
  analyticsaccelerator-s3 4959a9747cbb479c73c3ffbcd479bee5b014f8b2880994585a8693fb9d24675e
"""

_OSS = """
com.aliyun 0.2.11-beta
  aliyun-java-core 7c6f8f64f398e0c54df1237219393ef66c5a402a1074e7951986c2ae3b06e59d
  java-trace-api 8a6de5443c9fc66ad82d7d2697b986e1f83e9c7418f015736cb0b0ce817d9cec
com.aliyun 2.11.0
  aliyun-java-sdk-kms ce9d34bf15a5b117520a0fc927220240f38dc4d32a0b55a46e34af2b9b9ab105
com.aliyun 3.1.0
  aliyun-java-sdk-ram cab0f01bd0ae3dbefd047401b58836ecc6e207e0eb5af18a959e211cb35080a1
com.aliyun 4.5.10
  aliyun-java-sdk-core a0aa9ef1fa723e944848ba6a33da902309e621bbbe7dd2bd938263a6e10e1412
com.aliyun.oss 3.18.1
  aliyun-sdk-oss 6a76bcf1088538bdaa0c21d48f4c3cbe64221f3f85e113117a2ac83d38dc328e
io.opentelemetry 1.38.0
  opentelemetry-api 9ad8961eafe71ec50917fb80afecfa55f1e59b263363dc8083279b05be59f04f
  opentelemetry-context f49c2f9d02adf163ad940113b7aefdd8b9e7528a06eb56ec27a9db38d672e37b
io.opentracing 0.33.0
  opentracing-api 4534541b8e9f41a17bcdf1d09affe45b98c13574db6e529a93a58264b9472c7c
  opentracing-noop 8529f91e10047b2b94cb21b50086a3d3913fa4da43594eddbd9ecf5917efe040
  opentracing-util 22c5dfbb9b0e2f08f7371bf3d68372c7604c804d3129499b43f37a8877c4379e
org.apache.hadoop 3.5.0
  hadoop-aliyun 122b9e61ba7116fb7e0bce856ab5d96248a5e32cb27fe0e45b6f9df6770ead53
org.codehaus.jettison 1.5.4
  jettison fc3a68a7c17688ee50817340fef265d8d3f6c192c92bbee00d17f18a6d3dfeda
org.dom4j 2.1.4
  dom4j 235a9167a8a199be04b5326d92927ca0adeb90d11f69fe2e821b34ce8433b591
org.ini4j 0.5.4
  ini4j aad60635eee567254ed29f18fb18c0f9e4c4dacf51c8229128203183bb35e2dd
org.jdom 2.0.6.1
  jdom2 0b20f45e3a0fd8f0d12cdc5316b06776e902b1365db00118876f9175c60f302c
org.reactivestreams 1.0.3
  reactive-streams 1dee0481072d19c929b623e155e14d2f6085dc011529a0a0dbefc84cf571d865
"""

LISTS = {"s3a": _jars(_S3A), "oss": _jars(_OSS)}
"""The jars of each scheme that needs any."""
