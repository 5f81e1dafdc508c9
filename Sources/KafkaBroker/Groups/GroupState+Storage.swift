/// What is stored of a group and shown of it: rules 17 and 19.
extension GroupState {
    /// The group as it is to be stored.
    var stored: StoredGroup {
        StoredGroup(
            id: id,
            generation: generation,
            protocolType: protocolType,
            protocolName: protocolName,
            leaderID: leaderID,
            members: orderedMembers.map(StoredMember.init),
            emptySince: emptySince
        )
    }

    /// Restores a group: its members get one session timeout to show up.
    init(
        _ stored: StoredGroup,
        offsets: StoredOffsets,
        limits: GroupLimits,
        at now: Moment
    ) {
        self.init(id: stored.id, limits: limits, at: now)
        generation = stored.generation
        protocolType = stored.protocolType
        self.offsets = offsets.committed
        pendingOffsets = offsets.pending
        for member in stored.members {
            members[member.id] = GroupMember(member, order: nextOrder, at: now)
            nextOrder += 1
            if let instanceID = member.instanceID { staticIDs[instanceID] = member.id }
        }
        if members.isEmpty {
            emptySince = stored.emptySince ?? now.date
        } else {
            emptySince = nil
            phase = .stable
            protocolName = stored.protocolName
            leaderID = stored.leaderID.flatMap { members[$0]?.id } ?? orderedMembers.first?.id
        }
    }

    /// The group as DescribeGroups shows it.
    var description: GroupDescription {
        let isStable = phase == .stable
        return GroupDescription(
            state: phase.rawValue,
            protocolType: protocolType ?? "",
            protocolName: isStable ? protocolName ?? "" : "",
            members: orderedMembers.map { member in
                GroupDescription.Member(
                    id: member.id,
                    instanceID: member.instanceID,
                    clientID: member.clientID,
                    clientHost: member.clientHost,
                    metadata: isStable ? member.metadata(for: protocolName) : [],
                    assignment: isStable ? member.assignment : []
                )
            }
        )
    }
}

extension StoredMember {
    init(_ member: GroupMember) {
        id = member.id
        instanceID = member.instanceID
        clientID = member.clientID
        clientHost = member.clientHost
        sessionTimeout = member.sessionTimeout
        rebalanceTimeout = member.rebalanceTimeout
        protocols = member.protocols
        assignment = member.assignment
    }
}

extension GroupMember {
    init(_ stored: StoredMember, order: Int, at now: Moment) {
        self.init(
            id: stored.id,
            instanceID: stored.instanceID,
            clientID: stored.clientID,
            clientHost: stored.clientHost,
            order: order,
            sessionTimeout: stored.sessionTimeout,
            rebalanceTimeout: stored.rebalanceTimeout,
            protocols: stored.protocols,
            assignment: stored.assignment,
            sessionDeadline: now.uptime + Int64(stored.sessionTimeout),
            isNew: false
        )
    }
}
