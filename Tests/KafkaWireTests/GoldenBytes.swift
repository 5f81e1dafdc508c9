/// Bytes of every message in every version, made by another implementation of the protocol.
///
/// They were written by kafka-python 3.0.12 from messages in which each field has the value of its
/// type in `standardValue`. A line is `api direction version:byteCount:FNV-1a-64 ...`.
enum GoldenBytes {
    static let digests = """
        produce request 3:77:23de774f0636b493 4:77:23de774f0636b493 5:77:23de774f0636b493
        produce request 6:77:23de774f0636b493 7:77:23de774f0636b493 8:77:23de774f0636b493
        produce request 9:60:b5ba9bb1f8dd7e45 10:60:b5ba9bb1f8dd7e45 11:60:b5ba9bb1f8dd7e45
        produce response 3:114:0662114e812f73b3 4:114:0662114e812f73b3 5:146:7eb40c4821850fa3
        produce response 6:146:7eb40c4821850fa3 7:146:7eb40c4821850fa3 8:254:4de7c6b3fb2e5f53
        produce response 9:234:a7527cfc889a6e78 10:315:ee4d86acd889aaa3 11:315:ee4d86acd889aaa3
        fetch request 4:103:f6360c768e921758 5:135:7e8f539f381fa4a8 6:135:7e8f539f381fa4a8
        fetch request 7:181:6b119182bd53d0b4 8:181:6b119182bd53d0b4 9:197:dff88461430ee70c
        fetch request 10:197:dff88461430ee70c 11:202:c2bc0fde16cb67ab 12:210:7066f06a0d209ca9
        fetch request 13:258:8c42124ef9ee5c59 14:258:8c42124ef9ee5c59 15:269:7ccc9e7cb6ae0d3a
        fetch request 16:269:7ccc9e7cb6ae0d3a
        fetch response 4:286:8cafb1721546246f 5:318:68feabbbcd88b3d7 6:318:68feabbbcd88b3d7
        fetch response 7:324:f084edd7ba9db4d8 8:324:f084edd7ba9db4d8 9:324:f084edd7ba9db4d8
        fetch response 10:324:f084edd7ba9db4d8 11:340:8553035bb82d7678 12:484:c03785c1c0cedeb7
        fetch response 13:508:58b8aa5a0c193843 14:508:58b8aa5a0c193843 15:508:58b8aa5a0c193843
        fetch response 16:545:3ef59cd9809237de
        listOffsets request 1:74:676d7d36fb3c92f7 2:75:fdd4d2175a28b3b6 3:75:fdd4d2175a28b3b6
        listOffsets request 4:91:56cbae947c98fd46 5:91:56cbae947c98fd46 6:87:8a68a4e14d825b85
        listOffsets request 7:87:8a68a4e14d825b85 8:87:8a68a4e14d825b85 9:87:8a68a4e14d825b85
        listOffsets response 1:110:3c34af633f575d45 2:114:ec2bb0504d29920f
        listOffsets response 3:114:ec2bb0504d29920f 4:130:b360401a212cfc7f
        listOffsets response 5:130:b360401a212cfc7f 6:126:12a35ea11a447a88
        listOffsets response 7:126:12a35ea11a447a88 8:126:12a35ea11a447a88
        listOffsets response 9:126:12a35ea11a447a88
        metadata request 0:14:8c6794293cf57fb5 1:14:8c6794293cf57fb5 2:14:8c6794293cf57fb5
        metadata request 3:14:8c6794293cf57fb5 4:15:898076129527fedc 5:15:898076129527fedc
        metadata request 6:15:898076129527fedc 7:15:898076129527fedc 8:17:c68d9a8c581fc6b2
        metadata request 9:15:1a69100c47626881 10:47:02fe09aa9bd23a81 11:46:f2759483a1052f48
        metadata request 12:46:f2759483a1052f48
        metadata response 0:192:bb8194fca6e0c36f 1:208:4a505255e55ce12f 2:213:72b090cf064482fe
        metadata response 3:217:384130ea5f20237c 4:217:384130ea5f20237c 5:265:610decb28ec76344
        metadata response 6:265:610decb28ec76344 7:281:a311decc6c476e7c 8:293:dd6fb40b25382e06
        metadata response 9:247:6538f4a7bd8eb4d9 10:279:cf02520c0b0daf49 11:275:42e7e7acce177a1f
        metadata response 12:275:42e7e7acce177a1f
        offsetCommit request 2:112:5efcd30f35f3348d 3:112:5efcd30f35f3348d
        offsetCommit request 4:112:5efcd30f35f3348d 5:104:c2e28e0d275f8455
        offsetCommit request 6:120:cd4bbe96d5028815 7:125:a2a8f31fea8b9804
        offsetCommit request 8:114:db06c6e56ea85bac 9:114:db06c6e56ea85bac
        offsetCommit response 2:46:15b224c8c21953a5 3:50:0840d4632d407a2f 4:50:0840d4632d407a2f
        offsetCommit response 5:50:0840d4632d407a2f 6:50:0840d4632d407a2f 7:50:0840d4632d407a2f
        offsetCommit response 8:46:84719e4834c1a960 9:46:84719e4834c1a960
        offsetFetch request 1:43:5397addda6d1bf04 2:43:5397addda6d1bf04 3:43:5397addda6d1bf04
        offsetFetch request 4:43:5397addda6d1bf04 5:43:5397addda6d1bf04 6:34:b3386def8d49b792
        offsetFetch request 7:35:d29dc60d1445d03f 8:71:a76d6bb2259c5d1f 9:87:52d4b80b57bef537
        offsetFetch response 1:98:b69f925389c3a5d1 2:100:c8766210d7fcdc54 3:104:8a460d286eced20e
        offsetFetch response 4:104:8a460d286eced20e 5:120:9702e0bc1617481e
        offsetFetch response 6:112:e673765d29d5bd0f 7:112:e673765d29d5bd0f
        offsetFetch response 8:230:7e2b926828053ef0 9:230:7e2b926828053ef0
        findCoordinator request 0:5:f985f7bf8b82773c 1:6:811b337a0eb095db 2:6:811b337a0eb095db
        findCoordinator request 3:6:08ecb4edb8444da8 4:11:8b4d9d6382d6923b
        findCoordinator response 0:15:d4ce981a345ae93f 1:24:67e9c90efd69642c
        findCoordinator response 2:24:67e9c90efd69642c 3:23:ad9d5db623aefe6e
        findCoordinator response 4:52:65a76d3c95f391b6
        joinGroup request 0:47:45dc720dc602de56 1:51:8c2f13a54e26d864 2:51:8c2f13a54e26d864
        joinGroup request 3:51:8c2f13a54e26d864 4:51:8c2f13a54e26d864 5:56:e88ff559adb072a3
        joinGroup request 6:44:8d74017a8286907a 7:44:8d74017a8286907a 8:48:b23fa0dd730098be
        joinGroup request 9:48:b23fa0dd730098be
        joinGroup response 0:49:6251b67eacd3d129 1:49:6251b67eacd3d129 2:53:a3583968f717ba53
        joinGroup response 3:53:a3583968f717ba53 4:53:a3583968f717ba53 5:63:2cb9079deb8a8be1
        joinGroup response 6:50:6c4c71458c6aa74f 7:54:ac776dfcda61958b 8:54:ac776dfcda61958b
        joinGroup response 9:55:cf730f68e7051ea4
        heartbeat request 0:14:bd2d20c819961065 1:14:bd2d20c819961065 2:14:bd2d20c819961065
        heartbeat request 3:19:35e69ac540e09e7c 4:17:ada923d837330811
        heartbeat response 0:2:082ef607b4e84200 1:6:2079335427a4e9ce 2:6:2079335427a4e9ce
        heartbeat response 3:6:2079335427a4e9ce 4:7:d2dc05ff5d39490a
        leaveGroup request 0:10:4d723843ab7260bb 1:10:4d723843ab7260bb 2:10:4d723843ab7260bb
        leaveGroup request 3:29:34620632df284656 4:24:bfcff39d46b4280e 5:32:087a1d723a739ede
        leaveGroup response 0:2:082ef607b4e84200 1:6:2079335427a4e9ce 2:6:2079335427a4e9ce
        leaveGroup response 3:34:b2a68c9c8fa1a0cc 4:30:1115f51f88d5eaeb 5:30:1115f51f88d5eaeb
        syncGroup request 0:42:2b2a3305b77b15bb 1:42:2b2a3305b77b15bb 2:42:2b2a3305b77b15bb
        syncGroup request 3:47:45dc720dc602de56 4:36:164346b5192d4828 5:44:1b52a2c8c6334b78
        syncGroup response 0:9:d6cd4b67ac9371a7 1:13:7f3edf6db98582c5 2:13:7f3edf6db98582c5
        syncGroup response 3:13:7f3edf6db98582c5 4:11:796cf52dc4f2aa2e 5:19:a04eb318c26fda0e
        describeGroups request 0:14:8c6794293cf57fb5 1:14:8c6794293cf57fb5 2:14:8c6794293cf57fb5
        describeGroups request 3:15:898076129527fedc 4:15:898076129527fedc 5:11:2b72be658b505d2b
        describeGroups response 0:172:d2a6b225fcfb6a73 1:176:778409e018ad0775
        describeGroups response 2:176:778409e018ad0775 3:184:10b97cf6b490e881
        describeGroups response 4:204:b463863664bfc381 5:154:05d86611bf87a130
        listGroups request 0:0:cbf29ce484222325 1:0:cbf29ce484222325 2:0:cbf29ce484222325
        listGroups request 3:1:af63bd4c8601b7df 4:10:af617c66a228c8f6 5:19:406e1f6474dff949
        listGroups response 0:26:65b6141a8695c1da 1:30:ccc9a3d2009eea5c 2:30:ccc9a3d2009eea5c
        listGroups response 3:26:c5bf8399df54996d 4:34:5a18320b979395b5 5:42:20e64f402b3153fd
        apiVersions request 0:0:cbf29ce484222325 1:0:cbf29ce484222325 2:0:cbf29ce484222325
        apiVersions request 3:9:3f5dd6768085e20f 4:9:3f5dd6768085e20f
        apiVersions response 0:18:ce41a3b296617c96 1:22:f98eb24ff879e398 2:22:f98eb24ff879e398
        apiVersions response 3:77:f01b3e9704e94461 4:77:f01b3e9704e94461
        createTopics request 2:151:d6ffba6436636df8 3:151:d6ffba6436636df8
        createTopics request 4:151:d6ffba6436636df8 5:125:a50dda5c2e18cafb
        createTopics request 6:125:a50dda5c2e18cafb 7:125:a50dda5c2e18cafb
        createTopics response 2:32:28cf0087e969b19d 3:32:28cf0087e969b19d 4:32:28cf0087e969b19d
        createTopics response 5:98:19a876d1ecfa66ec 6:98:19a876d1ecfa66ec 7:130:66809811137a137c
        deleteTopics request 1:18:114960820a98aa23 2:18:114960820a98aa23 3:18:114960820a98aa23
        deleteTopics request 4:14:b9304be40ef4e63c 5:14:b9304be40ef4e63c 6:48:f08283676c84ec5c
        deleteTopics response 1:22:a5e88536815f5dd1 2:22:a5e88536815f5dd1 3:22:a5e88536815f5dd1
        deleteTopics response 4:20:0b9f716d90a19cee 5:28:a16636d0f15a7d6a 6:60:81c30742a1db498a
        initProducerId request 0:9:1bfc42e2b0f5023e 1:9:1bfc42e2b0f5023e 2:9:54685542fe4731e1
        initProducerId request 3:19:080584ff9ffea30a 4:19:080584ff9ffea30a 5:19:080584ff9ffea30a
        initProducerId response 0:16:62e5c45abe865833 1:16:62e5c45abe865833
        initProducerId response 2:17:92c4d931be47dea9 3:17:92c4d931be47dea9
        initProducerId response 4:17:92c4d931be47dea9 5:17:92c4d931be47dea9
        offsetForLeaderEpoch request 2:70:dcf4a0018fb12a6d 3:74:ebf3142a79b4cd77
        offsetForLeaderEpoch request 4:70:6bd7c656599bd10c
        offsetForLeaderEpoch response 2:98:8c91f505fade78bf 3:98:8c91f505fade78bf
        offsetForLeaderEpoch response 4:94:eafee95f9f3356a8
        describeConfigs request 0:44:82e4dbdea7e76b63 1:45:524cfd574e3b7786
        describeConfigs request 2:45:524cfd574e3b7786 3:46:144a0259ef0c1a65
        describeConfigs request 4:34:ea9903aa816f6c08
        describeConfigs response 0:94:905e4d53c4d732e9 1:198:f1240da26e63de09
        describeConfigs response 2:198:f1240da26e63de09 3:222:3497b32f70bf6179
        describeConfigs response 4:184:3866bad018bf9eae
        deleteGroups request 0:14:8c6794293cf57fb5 1:14:8c6794293cf57fb5 2:10:af617c66a228c8f6
        deleteGroups response 0:22:a5e88536815f5dd1 1:22:a5e88536815f5dd1 2:20:0b9f716d90a19cee
        describeCluster request 0:2:082f2207b4e88cc4 1:3:d0996518671e8791
        describeCluster response 0:58:6c4d2ab58a7f0b45 1:59:039f4e70f8a16f06
        """

    /// A few of them in full.
    static let joinGroupRequest9 = """
        04616263000111700001117004616263046162630461626303046162630401020300046162630401
        0203000461626300
        """

    static let metadataResponse12 = """
        00011170030001117004616263000111700461626300000111700461626300011170046162630004
        6162630001117003012c04616263000102030405060708090a0b0c0d0e0f0103012c000111700001
        11700001117003000111700001117003000111700001117003000111700001117000012c00011170
        00011170000111700300011170000111700300011170000111700300011170000111700000011170
        00012c04616263000102030405060708090a0b0c0d0e0f0103012c00011170000111700001117003
        000111700001117003000111700001117003000111700001117000012c0001117000011170000111
        7003000111700001117003000111700001117003000111700001117000000111700000
        """
}
